/*
 * json_model.h
 *	  Models as jsonb: objects whose values are numbers, words and matrices.
 *
 * A node is an object somewhere in the model and where that is, so that an
 * error can name it: layers[1].weight.  Keys that nobody asks for are ignored.
 */
#ifndef RK_JSON_MODEL_H
#define RK_JSON_MODEL_H

#include "../call/call.h"

#include "utils/jsonb.h"

typedef struct rk_json_node
{
	rk_call    *call;
	const char *argument;		/* parameter that the model is given as */
	const char *path;			/* empty: the model itself */
	JsonbContainer *object;
} rk_json_node;

/* The model given as this parameter, which must be an object. */
extern rk_json_node rk_json_model(const rk_call *call, const char *argument);

/* Whether the object has the key, with a value other than null. */
extern bool rk_json_has(const rk_json_node *node, const char *key);

/* Values of one kind, or the default where the key is not there. */
extern double rk_json_number(const rk_json_node *node, const char *key, double initial);
extern bool rk_json_boolean(const rk_json_node *node, const char *key, bool initial);

/* Position of a word in a closed set that ends with NULL; initial may be -1. */
extern int	rk_json_choice(const rk_json_node *node, const char *key, const char *const *choices,
						   int initial);

/* Numbers of an array; NULL where the key is not there.  *count: how many. */
extern double *rk_json_vector(const rk_json_node *node, const char *key, int64 *count);

/*
 * Rows of an array of arrays of one length, one after the other; NULL where
 * the key is not there.
 */
extern double *rk_json_matrix(const rk_json_node *node, const char *key, int64 *rows,
							  int64 *columns);

/* An object inside; false where the key is not there or is not an object. */
extern bool rk_json_object(const rk_json_node *node, const char *key, rk_json_node *inside);

/* The objects of an array, which must be there and not be empty. */
extern rk_json_node *rk_json_objects(const rk_json_node *node, const char *key, int *count);

/* Raises the error of a value: "<path>.<key> of <argument> <what>". */
extern void rk_json_wrong(const rk_json_node *node, const char *key, const char *what)
			__attribute__((noreturn));

/* ---- writing ---- */

/* Appends numbers as an array, or as an array of rows. */
extern void rk_json_put_vector(StringInfo s, const double *values, int64 count);
extern void rk_json_put_matrix(StringInfo s, const double *values, int64 rows, int64 columns);

#endif							/* RK_JSON_MODEL_H */
