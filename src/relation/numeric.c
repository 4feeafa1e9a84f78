/*
 * numeric.c
 *	  Numbers to and from numeric and fixed point without a detour through text.
 *
 * Amounts of money are numeric, so this is on the way of most weights.  A
 * numeric is base-10000 digits with a weight; up to 53 bits of them are exact
 * in a double, and one multiplication or division by an exact power of ten
 * rounds correctly (Clinger 1990).  What does not fit that takes PostgreSQL's
 * own conversion.  The layout of the digits on disk has been the same since
 * 9.1 and cannot change without a change of the data directory's version.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

#include "../compat.h"
#include "emit.h"
#include "reader.h"

#define SIGN_MASK 0xC000
#define SIGN_NEGATIVE 0x4000
#define IS_SHORT 0x8000
#define IS_SPECIAL 0xC000
#define SHORT_SIGN 0x2000
#define SHORT_WEIGHT_SIGN 0x0040
#define SHORT_WEIGHT_MASK 0x003F

static const double exact_powers[] = {
	1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
	1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22
};

bool
rk_numeric_to_fixed(Datum value, int64 *result)
{
	struct varlena *v = PG_DETOAST_DATUM_PACKED(value);
	const char *data = VARDATA_ANY(v);
	int			length = VARSIZE_ANY_EXHDR(v);
	uint16		header;
	int			weight;
	bool		negative;
	int			digits;
	__int128	sum = 0;

	memcpy(&header, data, sizeof(header));
	if ((header & SIGN_MASK) == IS_SPECIAL)
		return false;
	data += sizeof(uint16);
	length -= sizeof(uint16);
	if (header & IS_SHORT)
	{
		negative = (header & SHORT_SIGN) != 0;
		weight = (header & SHORT_WEIGHT_SIGN ? ~SHORT_WEIGHT_MASK : 0) |
			(header & SHORT_WEIGHT_MASK);
	}
	else
	{
		int16		w;

		negative = (header & SIGN_MASK) == SIGN_NEGATIVE;
		memcpy(&w, data, sizeof(w));
		weight = w;
		data += sizeof(uint16);
		length -= sizeof(uint16);
	}
	digits = length / (int) sizeof(int16);
	/* 10000^5 is more than any value that fits */
	if (digits > 0 && weight > 4)
		return false;
	/* digit i counts 10000^(weight - i); two of them are behind the point, one more rounds */
	for (int i = 0; i <= weight + 3; i++)
	{
		int16		digit = 0;

		if (i < digits)
			memcpy(&digit, data + i * sizeof(int16), sizeof(digit));
		if (i <= weight + 2)
			sum = sum * 10000 + digit;
		else if (digit >= 5000)
			sum++;
	}
	if (negative)
		sum = -sum;
	if (sum > PG_INT64_MAX || sum < PG_INT64_MIN)
		return false;
	*result = (int64) sum;
	return true;
}

double
rk_numeric_to_double(Datum value)
{
	struct varlena *v = PG_DETOAST_DATUM_PACKED(value);
	const char *data = VARDATA_ANY(v);
	int			length = VARSIZE_ANY_EXHDR(v);
	uint16		header;
	int			weight;
	bool		negative;
	int			digits;
	int64		sum = 0;
	int			exponent;
	double		result;

	memcpy(&header, data, sizeof(header));
	if ((header & SIGN_MASK) == IS_SPECIAL)
		goto general;
	if (header & IS_SHORT)
	{
		negative = (header & SHORT_SIGN) != 0;
		weight = (header & SHORT_WEIGHT_SIGN ? ~SHORT_WEIGHT_MASK : 0) |
			(header & SHORT_WEIGHT_MASK);
		data += sizeof(uint16);
		length -= sizeof(uint16);
	}
	else
	{
		int16		w;

		negative = (header & SIGN_MASK) == SIGN_NEGATIVE;
		memcpy(&w, data + sizeof(uint16), sizeof(w));
		weight = w;
		data += 2 * sizeof(uint16);
		length -= 2 * sizeof(uint16);
	}
	digits = length / (int) sizeof(int16);
	if (digits > 4)
		goto general;
	for (int i = 0; i < digits; i++)
	{
		int16		digit;

		memcpy(&digit, data + i * sizeof(int16), sizeof(digit));
		sum = sum * 10000 + digit;
	}
	exponent = 4 * (weight - digits + 1);
	if (digits == 0 || sum > (INT64CONST(1) << 53) || exponent < -22 || exponent > 22)
	{
		if (digits == 0)
			return 0;
		goto general;
	}
	result = exponent >= 0 ? (double) sum * exact_powers[exponent] :
		(double) sum / exact_powers[-exponent];
	return negative ? -result : result;

general:
	return DatumGetFloat8(DirectFunctionCall1(numeric_float8, value));
}

/*
 * An unsigned 128-bit count as numeric: 18 decimal digits at a time, which fit
 * in an int64.
 */
Datum
rk_uint128_numeric(unsigned __int128 value)
{
	const int64 chunk = INT64CONST(1000000000000000000);	/* 10^18 */
	Datum		high;

	if (value <= (unsigned __int128) PG_INT64_MAX)
		return NumericGetDatum(int64_to_numeric((int64) value));
	high = DirectFunctionCall2(numeric_mul, rk_uint128_numeric(value / chunk),
							   NumericGetDatum(int64_to_numeric(chunk)));
	return DirectFunctionCall2(numeric_add, high,
							   NumericGetDatum(int64_to_numeric((int64) (value % chunk))));
}

double
rk_number_to_double(Datum value, Oid type)
{
	switch (type)
	{
		case INT2OID:
			return DatumGetInt16(value);
		case INT4OID:
			return DatumGetInt32(value);
		case INT8OID:
			return DatumGetInt64(value);
		case FLOAT4OID:
			return DatumGetFloat4(value);
		case FLOAT8OID:
			return DatumGetFloat8(value);
		default:
			return rk_numeric_to_double(value);
	}
}

Datum
rk_number_to_numeric(Datum value, Oid type)
{
	switch (type)
	{
		case INT2OID:
			return NumericGetDatum(int64_to_numeric(DatumGetInt16(value)));
		case INT4OID:
			return NumericGetDatum(int64_to_numeric(DatumGetInt32(value)));
		case INT8OID:
			return NumericGetDatum(int64_to_numeric(DatumGetInt64(value)));
		case FLOAT4OID:
			return DirectFunctionCall1(float4_numeric, value);
		case FLOAT8OID:
			return DirectFunctionCall1(float8_numeric, value);
		default:
			return value;
	}
}
