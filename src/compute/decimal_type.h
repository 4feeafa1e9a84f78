/*
 * decimal_type.h
 *	  The type of exact decimal numbers (decimal.h), for devices as well.
 */
#ifndef RK_DECIMAL_TYPE_H
#define RK_DECIMAL_TYPE_H

/* palloc'd memory is aligned to 8 bytes only */
typedef __int128 rk_decimal __attribute__((aligned(8)));

/* One of the currency in units of 10^-8, the scale of money (transactions.h). */
#define RK_MONEY_UNIT ((rk_decimal) 100000000)

#endif							/* RK_DECIMAL_TYPE_H */
