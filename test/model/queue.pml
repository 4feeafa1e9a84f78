/*
 * queue.pml
 *	  The request lane of a ring (src/ring/queue.h) for SPIN: producers, a
 *	  consumer that sleeps, and one that is killed and succeeded.
 *
 * A lane of 2 slots, PRODUCERS senders of MESSAGES each.  Checked in all orders
 * of events (memory is sequentially consistent here; what the C11 orderings add
 * is the business of ThreadSanitizer):
 *
 *	  a slot that is claimed is never one that the consumer still needs;
 *	  what is published is whole, and handled once, but for a message that
 *	  its consumer died with, which is seen again at most once for each kill;
 *	  messages of a producer come in their order;
 *	  nobody sleeps for ever: every execution ends with all messages handled.
 */
#define CAPACITY 2
#ifndef PRODUCERS
#define PRODUCERS 2
#endif
#ifndef MESSAGES
#define MESSAGES 2
#endif
#ifndef KILLS
#define KILLS 1
#endif
#define ALL (PRODUCERS * MESSAGES)

byte seq[CAPACITY];				/* position + 1 of what is published there */
byte body[CAPACITY];			/* first half of a message */
byte tail_end[CAPACITY];		/* second half: equal when it is whole */
byte tail;
byte seen_head;
byte head;
bit sleeping;					/* the consumer's word */
bit latch;						/* set: the consumer is woken */
byte handled[ALL];
byte next_of[PRODUCERS];		/* message that is due from each producer */
byte kills;
byte again;
bit alive;						/* a consumer runs */
byte finished;

proctype producer(byte me)
{
	byte i, p, h, message;

	do
	:: i < MESSAGES ->
		message = me * MESSAGES + i;
claim:
		p = tail;
		if
		:: p - seen_head >= CAPACITY ->
			h = head;
			seen_head = h;
			if
			/* full: wait for the consumer, as the policy "block" does */
			:: p - h >= CAPACITY -> (head != h); goto claim
			:: else
			fi
		:: else
		fi;
		/* compare and swap */
		atomic {
			if
			:: tail == p -> tail = p + 1
			:: else -> goto claim
			fi
		}
		/* the consumer is done with what was here */
		assert(p - head < CAPACITY);
		body[p % CAPACITY] = message;
		tail_end[p % CAPACITY] = message;
		seq[p % CAPACITY] = p + 1;
		if
		:: sleeping -> sleeping = 0; latch = 1
		:: else
		fi;
		i++
	:: else -> break
	od;
	finished++
}

proctype consumer()
{
	byte m;

	alive = 1;
	do
	:: head == ALL -> break
	:: head < ALL ->
		if
		:: seq[head % CAPACITY] == head + 1 ->
			m = body[head % CAPACITY];
			assert(m == tail_end[head % CAPACITY]);
			if
			:: handled[m] == 0 ->
				atomic {
					handled[m] = 1;
					assert(m % MESSAGES == next_of[m / MESSAGES]);
					next_of[m / MESSAGES]++
				}
			:: else -> again++; assert(again <= kills)
			fi;
			/* here or anywhere else it may be killed: see below */
			if
			:: kills < KILLS -> kills++; alive = 0; goto dead
			:: true -> head++
			fi
		:: else ->
			/* nothing: announce the sleep, look once more, sleep */
			sleeping = 1;
			if
			:: seq[head % CAPACITY] == head + 1 -> sleeping = 0
			:: else ->
				if
				:: kills < KILLS -> kills++; alive = 0; goto dead
				:: latch == 1 -> latch = 0
				fi;
				sleeping = 0
			fi
		fi
	od;
dead:
	skip
}

/* The launcher: another consumer for one that died. */
proctype launcher()
{
	do
	:: head == ALL -> break
	:: alive == 0 && head < ALL -> alive = 1; run consumer()
	od
}

init
{
	byte i;

	atomic {
		do
		:: i < PRODUCERS -> run producer(i); i++
		:: else -> break
		od;
		run launcher()
	}
	/* a state in which nobody can go on before this is a deadlock */
	(finished == PRODUCERS && head == ALL);
	i = 0;
	do
	:: i < ALL -> assert(handled[i] == 1); i++
	:: else -> break
	od
}
