/*
 * relations.h
 *	  Columns and parameters that kernels over transactions share.
 *
 * Each kernel puts the relation together from the columns it uses, so that its
 * documentation names no other:
 *
 *	  static const rk_relation_column transfer_columns[] = {
 *		  RK_TRANSACTION_ENDS, RK_TRANSACTION_TS, RK_TRANSACTION_CURRENCY, {0}
 *	  };
 *
 * relation/transactions_input.h reads it.
 */
#ifndef RK_COMPLIANCE_RELATIONS_H
#define RK_COMPLIANCE_RELATIONS_H

#include "../call/descriptor.h"

/* ---- columns ---- */

#define RK_TRANSACTION_ENDS \
	{"source", NULL, RK_TYPE_ID, true, "who pays"}, \
	{"target", NULL, RK_TYPE_ID, true, "who is paid"}, \
	{"amount", NULL, RK_TYPE_NUMERIC, true, "at least 0; exact, with 8 decimals"}

#define RK_TRANSACTION_TS \
	{"ts", NULL, RK_TYPE_TIMESTAMPTZ, true, "moment of the transaction; those of one moment follow each other as rows do"}

/* Where the kernel can do without. */
#define RK_TRANSACTION_OPTIONAL_TS(meaning_of_ts) \
	{"ts", NULL, RK_TYPE_TIMESTAMPTZ, false, meaning_of_ts, .not_null = true}

/* Only where the function returns ids of transactions. */
#define RK_TRANSACTION_ID \
	{"id", NULL, RK_TYPE_ID2, false, "of the transaction; absent: the number of the row, from 1", .not_null = true}

#define RK_TRANSACTION_CURRENCY \
	{"currency", NULL, RK_TYPE_TEXT, false, "of the amount; more than one needs rates"}

#define RK_TRANSACTION_TYPE \
	{"transaction_type", "tx_type", RK_TYPE_TEXT, false, "kind of the transaction"}
#define RK_TRANSACTION_CHANNEL \
	{"channel", NULL, RK_TYPE_TEXT, false, "way that the transaction came"}
#define RK_TRANSACTION_COUNTRIES \
	{"source_country", NULL, RK_TYPE_TEXT, false, "of the payer, ISO 3166 alpha-2"}, \
	{"target_country", NULL, RK_TYPE_TEXT, false, "of the payee, ISO 3166 alpha-2"}

/* ---- parameters ---- */

#define RK_TRANSACTIONS_PARAM(of_relation) \
	{.name = "transactions", .type = RK_TYPE_RELATION, .relation = (of_relation), \
	 .meaning = "the payments, one row each"}

#define RK_RATES_PARAM \
	{.name = "rates", .type = RK_TYPE_JSONB, .initial = "NULL", \
	 .meaning = "what one unit of each currency is worth, {\"EUR\": 1.08, \"USD\": 1}: amounts are converted, " \
	 "and rounded to 8 decimals half away from zero; NULL: all rows are of one currency"}

#endif							/* RK_COMPLIANCE_RELATIONS_H */
