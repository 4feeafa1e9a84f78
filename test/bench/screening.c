/*
 * screening.c
 *	  Times the matching of names without a server: screening QUERIES ENTRIES
 *	  METHOD ORDER MIN_SCORE TOP_K THREADS RUNS, where QUERIES and ENTRIES are
 *	  files with a name in each line, prints the best and the median of the
 *	  runs, the number of pairs and the sum of their scores, as JSON.  A TOP_K
 *	  of 0 screens one name after the other against a list that is kept, as
 *	  rings do, for all that score so much; load is what making the list took.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/compliance/screening/name_list.h"
#include "measure.h"

/* The lines of a file. */
static rk_name_input
read_lines(const char *path)
{
	FILE	   *f = fopen(path, "r");
	rk_bytes   *lines = NULL;
	int64_t		n = 0;
	char	   *line = NULL;
	size_t		size = 0;
	ssize_t		length;

	if (f == NULL)
	{
		fprintf(stderr, "could not open %s\n", path);
		exit(1);
	}
	while ((length = getline(&line, &size, f)) > 0)
	{
		if ((n & (n - 1)) == 0)
			lines = realloc(lines, sizeof(rk_bytes) * (n ? 2 * n : 1));
		lines[n++] = (rk_bytes) {strndup(line, length - 1), (uint32_t) length - 1};
	}
	fclose(f);
	free(line);
	return (rk_name_input) {.rows = n,.names = lines};
}

static int
by_value(const void *a, const void *b)
{
	double		x = *(const double *) a;
	double		y = *(const double *) b;

	return (x > y) - (x < y);
}

/* One name after the other; returns the seconds that the list took to make. */
static double
screen_one_by_one(const rk_name_input *inputs, const rk_match_params *p, double *seconds, int64_t *pairs, double *sum)
{
	rk_name_list_params params = {.method = p->method,.any_order = p->any_order};
	rk_list_evidence nothing = {RK_NO_DATE, RK_NO_CODE, RK_NO_CODE};
	rk_name_list *list;
	rk_ctx		ctx;
	double		start = now();
	double		load;

	rk_ctx_init(&ctx);
	check(&ctx, rk_name_list_create(&ctx, &params, &list));
	for (int64_t i = 0; i < inputs[1].rows; i++)
		check(&ctx, rk_name_list_set(list, (uint32_t) i, &inputs[1].names[i], 1, &nothing));
	load = now() - start;
	start = now();
	for (int64_t i = 0; i < inputs[0].rows; i++)
	{
		const rk_list_hit *hits;
		uint32_t	count;

		check(&ctx, rk_name_list_search(list, inputs[0].names[i], &nothing, p->min_score, p->min_score, &hits, &count));
		*pairs += count;
		for (uint32_t k = 0; k < count; k++)
			*sum += hits[k].score;
	}
	*seconds = now() - start;
	rk_ctx_destroy(&ctx);
	return load;
}

int
main(int argc, char **argv)
{
	rk_name_input inputs[2];
	rk_match_params p = {0};
	int			runs;
	double		seconds[64];
	double		sum = 0;
	double		load = 0;
	int64_t		pairs = 0;

	if (argc != 9 || (runs = atoi(argv[8])) < 1 || runs > 64)
	{
		fprintf(stderr, "usage: screening QUERIES ENTRIES METHOD as_given|any MIN_SCORE TOP_K THREADS RUNS\n");
		return 2;
	}
	inputs[0] = read_lines(argv[1]);
	inputs[1] = read_lines(argv[2]);
	while (rk_name_method_names[p.method] && strcmp(rk_name_method_names[p.method], argv[3]) != 0)
		p.method++;
	p.any_order = strcmp(argv[4], "any") == 0;
	p.min_score = atof(argv[5]);
	p.top_k = atoll(argv[6]);
	for (int r = 0; r < runs; r++)
	{
		rk_ctx		ctx;
		rk_normaliser *normaliser;
		rk_name_set	names[2];
		rk_match_side sides[2] = {{.names = &names[0]}, {.names = &names[1]}};
		rk_matches	matches;
		double		start = now();

		pairs = 0;
		sum = 0;
		if (p.top_k == 0)
		{
			load = screen_one_by_one(inputs, &p, &seconds[r], &pairs, &sum);
			continue;
		}
		rk_ctx_init(&ctx);
		ctx.threads = atoi(argv[7]);
		check(&ctx, rk_normaliser_open(&ctx, false, &normaliser));
		check(&ctx, rk_names_build(normaliser, &ctx, &inputs[0], &names[0]));
		check(&ctx, rk_names_build(normaliser, &ctx, &inputs[1], &names[1]));
		check(&ctx, rk_match(&ctx, &sides[0], &sides[1], &p, &matches));
		seconds[r] = now() - start;
		pairs = matches.count;
		for (int64_t i = 0; i < matches.count; i++)
			sum += matches.score[i];
		rk_ctx_destroy(&ctx);
	}
	qsort(seconds, runs, sizeof(double), by_value);
	printf("{\"best\": %.6f, \"median\": %.6f, \"load\": %.6f, \"pairs\": %lld, \"result\": %.17g}\n", seconds[0],
		   seconds[runs / 2], load, (long long) pairs, sum);
	return 0;
}
