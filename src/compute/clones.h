/*
 * clones.h
 *	  Functions compiled once for each vector width; the loader takes the widest
 *	  one that the machine has.
 */
#ifndef RK_CLONES_H
#define RK_CLONES_H

/* Sanitizers start too late for the loader's choice. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__)
#define RK_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define RK_CLONES
#endif

#endif							/* RK_CLONES_H */
