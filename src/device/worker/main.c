/*
 * main.c
 *	  The device worker's sockets: requests in, answers out.
 *
 *	  rustkernels_device ADDRESS LIBRARY DEVICE MEMORY_LIMIT
 *
 * ADDRESS is the name of an abstract socket; descriptor 3 leads to the
 * supervisor.  The process ends when the supervisor does, when the device's
 * context is lost (status 1), when there is no device (0), and when a run does
 * not heed a request to stop, or a slice of a ring does not end (2).
 */
#define _GNU_SOURCE
#include "worker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define CLIENTS 1024
#define FIRST_CLIENT 3			/* of the poll set: control, event, listener before */

typedef struct server
{
	engine		e;
	struct pollfd poll[FIRST_CLIENT + CLIENTS]; /* fd -1: free */
} server;

static server the_server;

double
now_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + 1e-9 * t.tv_nsec;
}

static void
complain(const char *what)
{
	fprintf(stderr, "rustkernels device worker: %s: %s\n", what, strerror(errno));
}

/* ---- start ---- */

/* Listens on the abstract address. */
static int
listen_at(const char *address)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	size_t		length = strlen(address);
	int			fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || length + 1 > sizeof(name.sun_path))
		return -1;
	memcpy(name.sun_path + 1, address, length);
	if (bind(fd, (struct sockaddr *) &name, offsetof(struct sockaddr_un, sun_path) + 1 + length) != 0 ||
		listen(fd, 64) != 0)
		return -1;
	return fd;
}

/* Keeps the descriptors that it was started with away from the driver. */
static void
close_inherited(void)
{
	long		last = sysconf(_SC_OPEN_MAX);

	if (last < 0 || last > 65536)
		last = 65536;
	for (int fd = RK_WIRE_CONTROL_FD + 1; fd < last; fd++)
		close(fd);
}

/* ---- jobs ---- */

static void
free_job(job *j)
{
	munmap(j->map, j->bytes);
	free(j);
}

/* Maps the file of a message; NULL: it is not well formed. */
static char *
map_file(const rk_wire_message *m, int fd, size_t least)
{
	struct stat file;
	char	   *map;
	int			seals = fcntl(fd, F_GET_SEALS);

	/* it cannot become shorter under our hands */
	if (seals < 0 || !(seals & F_SEAL_SHRINK) || fstat(fd, &file) != 0 || file.st_size < (off_t) least ||
		file.st_size != m->bytes)
		return NULL;
	map = mmap(NULL, m->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	return map == MAP_FAILED ? NULL : map;
}

/* Takes a message in: a job at the end of the list, or a ring. */
static bool
add_job(server *s, int client, const rk_wire_message *m, int fd)
{
	engine	   *e = &s->e;
	job		   *j;
	job		  **end = &e->jobs;
	bool		is_ring = m->type == RK_WIRE_RING;
	char	   *map;

	if (m->type > RK_WIRE_RING)
		return false;
	map = map_file(m, fd, is_ring ? sizeof(rk_ring_window) : sizeof(rk_wire_request));
	if (map == NULL)
		return false;
	if (is_ring)
	{
		if (ring_begin(e, client, map, m->bytes))
			return true;
		munmap(map, m->bytes);
		return false;
	}
	j = calloc(1, sizeof(job));
	if (j == NULL)
	{
		munmap(map, m->bytes);
		return false;
	}
	*j = (job) {.client = client, .type = m->type, .id = m->id, .bytes = m->bytes, .map = map};
	j->request = (rk_wire_request *) j->map;
	pthread_mutex_lock(&e->mutex);
	while (*end)
		end = &(*end)->next;
	*end = j;
	pthread_cond_signal(&e->wanted);
	pthread_mutex_unlock(&e->mutex);
	return true;
}

/* A client has left: what it waited for is dropped or told to stop. */
static void
drop_client(server *s, int client)
{
	engine	   *e = &s->e;

	close(s->poll[FIRST_CLIENT + client].fd);
	s->poll[FIRST_CLIENT + client].fd = -1;
	pthread_mutex_lock(&e->mutex);
	for (ring *r = e->rings; r; r = r->next)
		if (r->client == client)
			ring_leave(r);
	for (job **link = &e->jobs; *link;)
	{
		job		   *j = *link;

		if (j->client == client && j->state != JOB_RUNNING)
		{
			*link = j->next;
			free_job(j);
			continue;
		}
		if (j->client == client)
		{
			j->client = -1;
			j->request->stop = 1;
			j->left_at = now_seconds();
		}
		link = &j->next;
	}
	pthread_mutex_unlock(&e->mutex);
}

/* Answers what is done. */
static void
answer_jobs(server *s)
{
	engine	   *e = &s->e;

	pthread_mutex_lock(&e->mutex);
	for (job **link = &e->jobs; *link;)
	{
		job		   *j = *link;

		if (j->state != JOB_DONE)
		{
			link = &j->next;
			continue;
		}
		*link = j->next;
		if (j->client >= 0)
		{
			rk_wire_message m = {.type = RK_WIRE_DONE, .id = j->id};

			/* who does not take one answer has more of them than it asked for */
			(void) !send(s->poll[FIRST_CLIENT + j->client].fd, &m, sizeof(m), MSG_DONTWAIT | MSG_NOSIGNAL);
		}
		free_job(j);
	}
	pthread_mutex_unlock(&e->mutex);
}

/* Ends the process when a run whose client has left does not stop. */
static void
check_stubborn(engine *e)
{
	pthread_mutex_lock(&e->mutex);
	for (job *j = e->jobs; j; j = j->next)
		if (j->state == JOB_RUNNING && j->client < 0 && now_seconds() - j->left_at > RK_WIRE_STOP_SECONDS)
		{
			fprintf(stderr, "rustkernels device worker: a run did not stop within %d s, giving the device up\n",
					RK_WIRE_STOP_SECONDS);
			_exit(2);
		}
	pthread_mutex_unlock(&e->mutex);
	if (rings_stuck(e))
	{
		fprintf(stderr, "rustkernels device worker: a slice of a ring did not end within %d s, giving the device up\n",
				RK_WIRE_RING_SECONDS);
		_exit(2);
	}
}

/* ---- clients ---- */

static void
accept_client(server *s)
{
	int			fd = accept4(s->poll[2].fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct ucred peer;
	socklen_t	length = sizeof(peer);

	if (fd < 0)
		return;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 && peer.uid == geteuid())
		for (int i = 0; i < CLIENTS; i++)
			if (s->poll[FIRST_CLIENT + i].fd < 0)
			{
				s->poll[FIRST_CLIENT + i] = (struct pollfd) {.fd = fd, .events = POLLIN};
				return;
			}
	close(fd);
}

/* Reads one message and the descriptor that comes with it. */
static void
serve_client(server *s, int client)
{
	rk_wire_message m;
	union
	{
		char		bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	}			control;
	struct iovec part = {&m, sizeof(m)};
	struct msghdr header = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes)
	};
	ssize_t		length = recvmsg(s->poll[FIRST_CLIENT + client].fd, &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	struct cmsghdr *c;
	int			fd = -1;
	bool		ok;

	if (length < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	c = length > 0 ? CMSG_FIRSTHDR(&header) : NULL;
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&fd, CMSG_DATA(c), sizeof(int));
	ok = length == (ssize_t) sizeof(m) && fd >= 0 && add_job(s, client, &m, fd);
	if (fd >= 0)
		close(fd);
	if (!ok)
		drop_client(s, client);
}

/* ---- the loop ---- */

/* Tells the supervisor; false: it is gone. */
static bool
report(server *s, bool *ready)
{
	engine	   *e = &s->e;
	rk_wire_report r;
	bool		started;

	pthread_mutex_lock(&e->mutex);
	started = e->started;
	r = e->report;
	pthread_mutex_unlock(&e->mutex);
	if (!started)
		return true;
	*ready = r.state == RK_WIRE_READY;
	if (send(RK_WIRE_CONTROL_FD, &r, sizeof(r), MSG_NOSIGNAL) != (ssize_t) sizeof(r))
		return false;
	return *ready;
}

static int
serve(server *s)
{
	bool		ready = false;

	for (;;)
	{
		int			n = FIRST_CLIENT + CLIENTS;
		bool		lost;

		while (s->poll[n - 1].fd < 0)
			n--;
		if (poll(s->poll, n, 1000) < 0 && errno != EINTR)
		{
			complain("poll");
			return 1;
		}
		/* the supervisor never writes: this is its end */
		if (s->poll[0].revents)
			return 0;
		if (s->poll[1].revents)
		{
			uint64_t	count;

			(void) !read(s->poll[1].fd, &count, sizeof(count));
			answer_jobs(s);
			pthread_mutex_lock(&s->e.mutex);
			lost = s->e.lost;
			pthread_mutex_unlock(&s->e.mutex);
			if (lost)
			{
				fprintf(stderr, "rustkernels device worker: the context of the device is lost\n");
				return 1;
			}
			if (!report(s, &ready))
				return 0;
		}
		if (ready)
			s->poll[2].events = POLLIN;
		if (s->poll[2].revents)
			accept_client(s);
		for (int i = FIRST_CLIENT; i < n; i++)
			if (s->poll[i].fd >= 0 && s->poll[i].revents)
				serve_client(s, i - FIRST_CLIENT);
		check_stubborn(&s->e);
	}
}

int
main(int argc, char **argv)
{
	server	   *s = &the_server;
	pthread_t	thread;

	if (argc != 5)
	{
		fprintf(stderr, "rustkernels_device is started by the server, see rk.devices\n");
		return 64;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* a kernel that is loaded when it is first wanted would wait for the slices of rings */
	setenv("CUDA_MODULE_LOADING", "EAGER", 0);
	signal(SIGPIPE, SIG_IGN);
	/* a server that stops tells the whole group of its supervisor, which ends us when rings have their states */
	signal(SIGTERM, SIG_IGN);
	close_inherited();
	s->e.library = argv[2];
	s->e.device = atoi(argv[3]);
	s->e.memory_limit = atoll(argv[4]);
	s->e.event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pthread_mutex_init(&s->e.mutex, NULL);
	pthread_cond_init(&s->e.wanted, NULL);
	for (int i = 0; i < FIRST_CLIENT + CLIENTS; i++)
		s->poll[i].fd = -1;
	s->poll[0] = (struct pollfd) {.fd = RK_WIRE_CONTROL_FD, .events = POLLIN};
	s->poll[1] = (struct pollfd) {.fd = s->e.event, .events = POLLIN};
	/* nobody is heard before the device is open */
	s->poll[2] = (struct pollfd) {.fd = listen_at(argv[1])};
	if (s->e.event < 0 || s->poll[2].fd < 0)
	{
		complain("could not listen");
		return 1;
	}
	if (pthread_create(&thread, NULL, engine_main, &s->e) != 0)
	{
		complain("could not start a thread");
		return 1;
	}
	/* the driver's exit handlers may wait for a run that never ends */
	_exit(serve(s));
}
