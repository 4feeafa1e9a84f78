/*
 * window.pml
 *	  The window between the host of a ring and a device (cuda/rk_window.h) for
 *	  SPIN: a host that sends messages, more than one at a time, takes replies and
 *	  gives a command now and then; the worker's thread with its sleep; the
 *	  slices of the device, which end whenever they like (-DPERSISTENT: the worker
 *	  launches another one while the last had something to do), and find no room
 *	  once (-DROOM).
 *
 * Checked in all orders of events: replies come in the order of the messages,
 * each from the state after it; a slot is written only when its reply was taken;
 * a command is done while no slice runs, with all messages served that were
 * answered; no wake-up is lost, which would be an end state in which somebody
 * waits.
 */
#ifndef MESSAGES
#define MESSAGES 4
#endif
#define SLOTS 2

byte request[SLOTS];			/* seq: position + 1 */
byte reply[SLOTS];
byte value[SLOTS];				/* of the reply: the state */
byte served;
byte room_for;
bit stop;
bit asleep;
byte wake;						/* futex */
byte commands;
byte done;
bit leaving;

byte state;						/* on the device: messages it has handled */
byte saved;						/* what the last command took */
bit slice;						/* one is under way */

byte sent;
byte taken;

/* The host wakes the worker if it has said that it sleeps. */
inline rouse()
{
	if
	:: asleep -> wake++
	:: else
	fi
}

inline take()
{
	if
	:: reply[taken % SLOTS] == taken + 1 ->
		assert(value[taken % SLOTS] == taken + 1);
		taken++
	:: else
	fi
}

proctype host()
{
	do
	:: sent < MESSAGES && sent - taken < SLOTS && room_for == 0 ->
		assert(sent < SLOTS || reply[sent % SLOTS] == sent - SLOTS + 1);
		request[sent % SLOTS] = sent + 1;
		sent++;
		rouse()
	:: taken < sent && reply[taken % SLOTS] == taken + 1 -> take()
	/* a command, when nothing is under way, or there is no room for it */
	:: commands < 2 && (taken == sent || room_for == taken + 1) ->
		commands++;
		stop = 1;
		rouse();
		done == commands;
		assert(saved == taken);
		stop = 0;
		if
		:: room_for != 0 -> break	/* the window is closed */
		:: else
		fi
	:: taken == MESSAGES -> break
	:: room_for == taken + 1 && commands == 2 -> break
	od;
	leaving = 1;
	stop = 1;
	wake++
}

proctype worker()
{
	byte seen;
	byte before;
	bit idle = 1;

	do
	:: true ->
		seen = wake;
		before = served;
		if
		:: leaving -> break
		:: else
		fi;
		if
		:: commands != done ->
			assert(!slice);
			saved = state;
			done = commands
		:: else ->
			if
			:: !stop && room_for == 0 && (request[served % SLOTS] == served + 1
#ifdef PERSISTENT
				|| !idle
#endif
				) ->
				slice = 1;
				slice == 0;
				idle = (served == before)
			:: else ->
				asleep = 1;
				/* the fence; then it looks again */
				if
				:: commands == done && !(request[served % SLOTS] == served + 1 && room_for == 0) && !leaving ->
					wake != seen
				:: else
				fi;
				asleep = 0
			fi
		fi
	od
}

proctype device()
{
	byte position;

end:
	do
	:: slice ->
		position = served;
		do
		:: request[position % SLOTS] == position + 1 ->
			if
			:: true ->
				state++;
				value[position % SLOTS] = state;
				reply[position % SLOTS] = position + 1;
				position++
#ifdef ROOM
			:: position == 2 ->
				room_for = position + 1;
				break
#endif
			fi
		:: stop -> break
		/* the slice is over */
		:: request[position % SLOTS] != position + 1 -> break
		od;
		served = position;
		slice = 0
	od
}

init
{
	atomic
	{
		run host();
		run worker();
		run device()
	}
}
