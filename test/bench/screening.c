/*
 * screening.c
 *	  Times the matching of names without a server: screening QUERIES ENTRIES
 *	  METHOD ORDER MIN_SCORE TOP_K THREADS RUNS, where QUERIES and ENTRIES are
 *	  files with a name in each line, prints the best and the median of the
 *	  runs, the number of pairs and the sum of their scores, as JSON.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/compliance/screening/screening.h"
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

int
main(int argc, char **argv)
{
	rk_name_input inputs[2];
	rk_match_params p = {0};
	int			runs;
	double		seconds[64];
	double		sum = 0;
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
		rk_names	names[2];
		rk_match_side sides[2] = {{.names = &names[0]}, {.names = &names[1]}};
		rk_matches	matches;
		double		start = now();

		rk_ctx_init(&ctx);
		ctx.threads = atoi(argv[7]);
		check(&ctx, rk_normaliser_open(&ctx, false, &normaliser));
		check(&ctx, rk_names_build(normaliser, &ctx, &inputs[0], &names[0]));
		check(&ctx, rk_names_build(normaliser, &ctx, &inputs[1], &names[1]));
		check(&ctx, rk_match(&ctx, &sides[0], &sides[1], &p, &matches));
		seconds[r] = now() - start;
		pairs = matches.count;
		sum = 0;
		for (int64_t i = 0; i < matches.count; i++)
			sum += matches.score[i];
		rk_normaliser_close(normaliser);
		rk_ctx_destroy(&ctx);
	}
	qsort(seconds, runs, sizeof(double), by_value);
	printf("{\"best\": %.6f, \"median\": %.6f, \"pairs\": %lld, \"result\": %.17g}\n", seconds[0], seconds[runs / 2],
		   (long long) pairs, sum);
	return 0;
}
