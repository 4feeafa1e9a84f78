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
 *
 * A slot has two units, each with its tag, that become visible one after the
 * other: of a request in order, of a reply in either order.  Who looks reads them
 * one after the other as well, in either order, and takes a message whose tags
 * are all right; what it has then is of that message.
 */
#ifndef MESSAGES
#define MESSAGES 4
#endif
#define SLOTS 2

#define UNITS 2

typedef slot
{
	byte tag[UNITS];			/* position + 1 */
	byte data[UNITS];			/* of a request its number, of a reply the state */
};

slot request[SLOTS];
slot reply[SLOTS];
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

/* A unit is written and read whole. */
#define put(s, p, k, what) \
	atomic { s[(p) % SLOTS].data[k] = what; s[(p) % SLOTS].tag[k] = (p) + 1 }
#define get(s, p) \
	atomic { \
		value[order] = s[(p) % SLOTS].data[order]; \
		good = good && s[(p) % SLOTS].tag[order] == (p) + 1 \
	}

/* Reads the units of a position in either order; good: all of them are there. */
#define look(s, p) \
	good = 1; \
	if \
	:: order = 0 \
	:: order = 1 \
	fi; \
	get(s, p); \
	order = 1 - order; \
	get(s, p)

#define ALL_SENT(p) (request[(p) % SLOTS].tag[UNITS - 1] == (p) + 1)

proctype host()
{
	byte value[UNITS];
	byte order;
	bit good;

	do
	:: sent < MESSAGES && sent - taken < SLOTS && room_for == 0 ->
		assert(sent < SLOTS || (reply[sent % SLOTS].tag[0] == sent - SLOTS + 1 && reply[sent % SLOTS].tag[1] == sent - SLOTS + 1));
		put(request, sent, 0, sent + 1);
		put(request, sent, 1, sent + 1);
		sent++;
		rouse()
	:: taken < sent && (reply[taken % SLOTS].tag[0] == taken + 1 || reply[taken % SLOTS].tag[1] == taken + 1) ->
		look(reply, taken);
		if
		:: good ->
			assert(value[0] == taken + 1 && value[1] == taken + 1);
			taken++
		:: else
		fi
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
			:: !stop && room_for == 0 && (ALL_SENT(served)
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
				:: commands == done && !(ALL_SENT(served) && room_for == 0) && !leaving ->
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
	byte value[UNITS];
	byte order;
	bit good;

end:
	do
	:: slice ->
		position = served;
		do
		:: request[position % SLOTS].tag[0] == position + 1 ->
			look(request, position);
			if
			:: !good				/* looks again, or the slice is over */
			:: !good -> break
			:: good ->
				assert(value[0] == position + 1 && value[1] == position + 1);
				state++;
				if
				:: order = 0
				:: order = 1
				fi;
				put(reply, position, order, state);
				put(reply, position, 1 - order, state);
				position++
#ifdef ROOM
			:: good && position == 2 ->
				room_for = position + 1;
				break
#endif
			fi
		:: stop -> break
		/* the slice is over */
		:: request[position % SLOTS].tag[0] != position + 1 -> break
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
