/*
 * temporal.h
 *	  The kernels over time series.
 *
 * All take many series at once and work each off in one thread, so that the
 * result does not depend on the number of threads.  Values are finite unless a
 * kernel says that it accepts missing ones (NaN).
 */
#ifndef RK_TEMPORAL_H
#define RK_TEMPORAL_H

#include "anomaly.h"
#include "changepoint.h"
#include "decompose.h"
#include "garch.h"
#include "series.h"
#include "trend.h"
#include "volatility.h"

#endif							/* RK_TEMPORAL_H */
