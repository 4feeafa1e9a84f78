/*
 * catalogue.h
 *	  Descriptors in words, and the version check.
 */
#ifndef RK_CATALOGUE_H
#define RK_CATALOGUE_H

#include "call.h"

/* The permitted values of a parameter in words; NULL when any will do. */
extern char *rk_range_text(const rk_param *param);

/*
 * Raises an error if the extension of this database is of another version than
 * the library.
 */
extern void rk_check_version(void);

#endif							/* RK_CATALOGUE_H */
