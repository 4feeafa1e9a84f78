/*
 * forecast.h
 *	  Models of series that say what comes next.
 */
#ifndef RK_FORECAST_H
#define RK_FORECAST_H

#include "arima.h"
#include "prophet.h"

#endif							/* RK_FORECAST_H */
