/*
 * rooms.c
 *	  The kernels of all rooms.
 */
#include "descriptor.h"

#define RK_ROOM(room) rk_##room##_kernels,
const rk_kernel *const rk_rooms[] = {
#include "rooms.def"
	NULL
};
#undef RK_ROOM
