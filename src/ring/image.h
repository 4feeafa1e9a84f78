/*
 * image.h
 *	  Writing and reading the image of a state (rk_actor_device).
 */
#ifndef RK_RING_IMAGE_H
#define RK_RING_IMAGE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct rk_image
{
	char	   *data;			/* NULL: only its size is wanted */
	uint64_t	base;			/* where it will lie */
	size_t		size;			/* so far */
} rk_image;

/*
 * Puts an array behind what is there: used bytes of it, and room for more.
 * Returns the address that it will have.
 */
static inline void *
rk_image_put(rk_image *image, const void *array, size_t used, size_t room)
{
	size_t		at = (image->size + 63) / 64 * 64;

	image->size = at + room;
	if (image->data && used > 0)
		memcpy(image->data + at, array, used);
	return (void *) (uintptr_t) (image->base + at);
}

/* Where an address of the image is in a copy of it. */
static inline const void *
rk_image_at(const char *copy, uint64_t base, const void *address)
{
	return copy + ((uint64_t) (uintptr_t) address - base);
}

#endif							/* RK_RING_IMAGE_H */
