/*
 * suspect.c
 *	  Which message of the log was in the actor when its process ended.
 *
 * A message of the log that takes the process along would do so again at every
 * replay, and with a crash the whole server, for ever.  So the host says in a
 * file that is mapped into its memory which one it hands to the actor, at the
 * price of two stores.  The file outlives the process, though not the machine:
 * one who starts the ring again reads there what its predecessor was at, and
 * after max_retries further attempts puts that message aside.
 *
 * The file lies with those that no backup needs, and goes when the ring stops.
 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/builtins.h"

#include "../compat.h"
#include "host.h"

#define MAGIC UINT64CONST(0x7375737065637431)
#define SIZE 4096

static void
suspect_path(const rk_hosted *h, char *path, Size size)
{
	snprintf(path, size, "pg_stat_tmp/rustkernels.ring.%u.%d", MyDatabaseId, h->ring_id);
}

void
rk_suspect_open(rk_hosted *h)
{
	char		path[MAXPGPATH];
	struct stat st;
	void	   *p = MAP_FAILED;
	int			fd;

	if (h->suspect || rk_host_read_only)
		return;
	suspect_path(h, path, sizeof(path));
	fd = BasicOpenFile(path, O_RDWR | O_CREAT | PG_BINARY);
	if (fd >= 0)
	{
		if (fstat(fd, &st) == 0 && (st.st_size >= SIZE || ftruncate(fd, SIZE) == 0))
			p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		close(fd);
	}
	if (p == MAP_FAILED)
	{
		ereport(LOG,
				(errcode_for_file_access(),
				 errmsg("could not map file \"%s\": %m", path),
				 errdetail("A message that ends the process of ring \"%s\" is not put aside.", NameStr(h->ring->name))));
		return;
	}
	h->suspect = p;
	if (h->suspect->magic != MAGIC)
		*h->suspect = (rk_suspect) {.magic = MAGIC};
}

void
rk_suspect_close(rk_hosted *h)
{
	char		path[MAXPGPATH];

	if (h->suspect == NULL)
		return;
	munmap(h->suspect, SIZE);
	h->suspect = NULL;
	suspect_path(h, path, sizeof(path));
	(void) unlink(path);
}

/* In a transaction: makes a dead letter of the message that h->suspect names. */
static void
put_aside(void *arg)
{
	rk_hosted  *h = arg;
	rk_catalog	catalog;
	Oid			types[] = {INT4OID, INT8OID};
	Datum		values[] = {Int32GetDatum(h->ring_id), Int64GetDatum((int64) h->suspect->last)};

	rk_catalog_open(&catalog);
	if (rk_run_sql("SELECT type_id, priority, message_id, sent_at_ns, role::oid, payload FROM rk.ring_log "
				   "WHERE ring_id = $1 AND apply_seq = $2 AND NOT refused", 2, types, values, NULL) == 1)
	{
		HeapTuple	t = SPI_tuptable->vals[0];
		TupleDesc	d = SPI_tuptable->tupdesc;
		bool		is_null;
		bytea	   *payload = DatumGetByteaPP(SPI_getbinval(t, d, 6, &is_null));
		rk_message	m = {
			.type_id = DatumGetInt32(SPI_getbinval(t, d, 1, &is_null)),
			.length = VARSIZE_ANY_EXHDR(payload),
			.payload = VARDATA_ANY(payload),
			.id = DatumGetInt64(SPI_getbinval(t, d, 3, &is_null)),
			.sent_ns = DatumGetInt64(SPI_getbinval(t, d, 4, &is_null)),
			.apply_seq = h->suspect->last,
			.role = DatumGetObjectId(SPI_getbinval(t, d, 5, &is_null)),
			.priority = DatumGetInt16(SPI_getbinval(t, d, 2, &is_null)),
			.attempt = h->suspect->times
		};

		rk_dead_letter_message(h, &m, "max_retries", ERRCODE_CRASH_SHUTDOWN,
							   "the process of the ring ended while it handled the message");
	}
	rk_catalog_close(&catalog);
}

void
rk_suspect_judge(rk_hosted *h)
{
	rk_suspect *s = h->suspect;

	if (s == NULL || s->seq == 0)
		return;
	s->times = s->seq == s->last ? s->times + 1 : 1;
	s->last = s->seq;
	s->seq = 0;
	ereport(LOG,
			(errmsg("ring \"%s\" ended while it handled message %llu of its log", NameStr(h->ring->name),
					(unsigned long long) s->last),
			 errdetail("This was attempt %u of %d.", s->times, h->options.max_retries + 1)));
	if (s->times <= h->options.max_retries)
		return;
	/* in transactions of their own, lest the next one takes this decision along */
	if (rk_in_transaction(h->ring, "putting a message aside", put_aside, h) && rk_dead_flush())
	{
		s->last = 0;
		s->times = 0;
	}
}
