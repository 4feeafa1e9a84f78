/*
 * status.h
 *	  How a kernel ends, for all that has no context: actors on a device too.
 */
#ifndef RK_STATUS_H
#define RK_STATUS_H

/* Outcome of a kernel; anything but RK_OK leaves an error in the context. */
typedef enum rk_status
{
	RK_OK = 0,
	RK_ERR_PARAMETER,			/* parameter out of range: 22023 */
	RK_ERR_DATA,				/* input values that have no answer: 22023 */
	RK_ERR_OVERFLOW,			/* numeric overflow: 22003 */
	RK_ERR_LIMIT,				/* more than the format can hold: 54000 */
	RK_ERR_MEMORY,				/* memory limit or allocation failure: 53200 */
	RK_ERR_CORRUPT,				/* stored bytes are not what they claim: XX001 */
	RK_ERR_UNSUPPORTED,			/* not available in this build: 0A000 */
	RK_STOPPED					/* cancelled; the owner knows why */
} rk_status;

#endif							/* RK_STATUS_H */
