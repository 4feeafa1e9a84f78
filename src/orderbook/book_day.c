/*
 * book_day.c
 *	  What a book has traded in the last 24 hours, minute by minute.
 *
 * Time is that of the messages: it goes on when one of them is later than all
 * before, and not otherwise.
 */
#include "book_state.h"

#include "../compute/random.h"

#define NS_PER_MINUTE INT64_C(60000000000)
#define MINUTES 1440

/* The minute of a time, rounded down. */
static int64_t
minute_of(int64_t ts)
{
	return ts / NS_PER_MINUTE - (ts % NS_PER_MINUTE < 0);
}

rk_status
rk_book_day_reserve(rk_ctx *ctx, rk_book_day *d, int count)
{
	int			capacity = d->capacity ? d->capacity * 2 : 8;
	int			wanted = d->count + count < MINUTES + 1 ? d->count + count : MINUTES + 1;
	rk_book_minute *grown;

	if (wanted <= d->capacity)
		return RK_OK;
	if (capacity < wanted)
		capacity = wanted;
	if ((grown = rk_realloc(ctx, d->minutes, capacity, sizeof(rk_book_minute))) == NULL)
		return RK_ERR_MEMORY;
	d->minutes = grown;
	d->capacity = capacity;
	return RK_OK;
}

void
rk_book_day_add(rk_book_day *d, int64_t ts, int64_t quantity)
{
	int64_t		minute = minute_of(ts);
	int64_t		newest = d->count > 0 && d->minutes[d->count - 1].minute > minute ? d->minutes[d->count - 1].minute : minute;
	int			old = 0;
	int			at;

	if (minute <= newest - MINUTES)
		return;
	/* what has left the day makes room */
	while (old < d->count && d->minutes[old].minute <= newest - MINUTES)
		old++;
	if (old > 0)
	{
		d->count -= old;
		memmove(d->minutes, d->minutes + old, sizeof(rk_book_minute) * d->count);
	}
	for (at = d->count; at > 0 && d->minutes[at - 1].minute > minute; at--)
		;
	if (at > 0 && d->minutes[at - 1].minute == minute)
	{
		d->minutes[at - 1].volume += quantity;
		return;
	}
	memmove(d->minutes + at + 1, d->minutes + at, sizeof(rk_book_minute) * (d->count - at));
	d->minutes[at] = (rk_book_minute) {minute, quantity};
	d->count++;
}

int64_t
rk_book_day_volume(const rk_book_day *d, int64_t now)
{
	int64_t		minute = minute_of(now);
	__int128	sum = 0;

	for (int i = d->count; i > 0 && d->minutes[i - 1].minute > minute - MINUTES; i--)
		sum += d->minutes[i - 1].volume;
	return sum > INT64_MAX ? INT64_MAX : (int64_t) sum;
}

uint64_t
rk_book_day_hash(const rk_book_day *d, int64_t now, uint64_t h)
{
	int64_t		minute = minute_of(now);

	for (int i = d->count; i > 0 && d->minutes[i - 1].minute > minute - MINUTES; i--)
	{
		h = rk_hash_fold(h, (uint64_t) d->minutes[i - 1].minute);
		h = rk_hash_fold(h, (uint64_t) d->minutes[i - 1].volume);
	}
	return h;
}

/* ---- snapshots ---- */

typedef struct stored_minute
{
	int64_t		minute;
	int64_t		volume[2];		/* low half, high half */
} stored_minute;

rk_status
rk_book_day_write(rk_ctx *ctx, const rk_book_day *d, rk_writer *writer)
{
	int64_t		count = d->count;
	rk_status	status = rk_write(ctx, writer, &count, sizeof(count));

	for (int i = 0; i < d->count && status == RK_OK; i++)
	{
		stored_minute m = {
			d->minutes[i].minute,
			{(int64_t) (uint64_t) d->minutes[i].volume, (int64_t) (d->minutes[i].volume >> 64)}
		};

		status = rk_write(ctx, writer, &m, sizeof(m));
	}
	return status;
}

rk_status
rk_book_day_read(rk_ctx *ctx, rk_book_day *d, rk_reader *reader)
{
	int64_t		count = 0;
	rk_status	status = rk_read_bytes(ctx, reader, &count, sizeof(count));

	if (count < 0 || count > MINUTES)
		return rk_fail(ctx, RK_ERR_CORRUPT, "snapshot has an impossible day");
	for (int64_t i = 0; i < count && status == RK_OK; i++)
	{
		stored_minute m;

		if ((status = rk_read_bytes(ctx, reader, &m, sizeof(m))) != RK_OK ||
			(status = rk_book_day_reserve(ctx, d, 1)) != RK_OK)
			break;
		if (m.volume[1] < 0 || m.volume[1] > INT32_MAX || (i > 0 && m.minute <= d->minutes[i - 1].minute))
			return rk_fail(ctx, RK_ERR_CORRUPT, "snapshot has an impossible day");
		d->minutes[d->count++] = (rk_book_minute) {
			m.minute, (__int128) m.volume[1] << 64 | (__int128) (uint64_t) m.volume[0]
		};
	}
	return status;
}
