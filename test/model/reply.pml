/*
 * reply.pml
 *	  A reply slot of a ring (src/ring/queue.h) for SPIN: a caller that spins,
 *	  sleeps, or gives up (-DGIVES_UP) and uses the slot for its next call, and
 *	  a host that answers whatever it was sent, early or late.
 *
 * Checked in all orders of events: a reply never reaches another call; a slot is
 * taken only when it is free; a caller that sleeps is woken; the host writes to
 * the slot only while it is the host's.
 */
#ifndef CALLS
#define CALLS 3
#endif

mtype = { FREE, WAITING, SLEEPING, DONE, ABANDONED };

mtype state = FREE;
byte data;						/* the reply: number of its call */
bit latch;
byte answered;
chan requests = [CALLS] of { byte };

proctype caller()
{
	byte call = 1;

	do
	:: call <= CALLS ->
		/* an abandoned slot is not used again before the host has let go of it */
		(state == FREE);
		state = WAITING;
		requests ! call;
		do
		:: state == DONE ->
			assert(data == call);
			state = FREE;
			break
		:: state != DONE ->
			if
			/* spin */
			:: skip
			/* sleep, unless the reply has come: compare and swap */
			:: atomic { state == WAITING -> state = SLEEPING };
				if
				:: latch == 1 -> latch = 0
#ifdef GIVES_UP
				/* a time limit */
				:: skip
#endif
				fi
#ifdef GIVES_UP
			/* give up, unless the reply has come: compare and swap */
			:: atomic { state == WAITING || state == SLEEPING -> state = ABANDONED };
				break
#endif
			fi
		od;
		call++
	:: else -> break
	od
}

proctype host()
{
	byte call;
	mtype before;

	do
	:: answered < CALLS ->
		requests ? call;
		assert(state != FREE && state != DONE);
		data = call;
		/* exchange */
		atomic { before = state; state = DONE };
		if
		:: before == ABANDONED -> state = FREE
		:: before == SLEEPING -> latch = 1
		:: else
		fi;
		answered++
	:: else -> break
	od
}

init
{
	atomic {
		run caller();
		run host()
	}
}
