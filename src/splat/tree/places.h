/* Positions on the integer grid, coded as a binary space partition; see places.c. */
#ifndef DFY_SPLAT_PLACES_H
#define DFY_SPLAT_PLACES_H

#include "splat/tree/mix.h"

enum { DFY_PLACE_BITS = 21 }; /* most bits a coordinate on the grid can have */

/* The partition's order of the axes: from the axis with most bits left, one bit at a time. Returns their number. */
int dfy_place_axes(const int bits[3], uint8_t axes[3 * DFY_PLACE_BITS]);
/* A cell's place in that order: splats are coded in the order of their keys. */
uint64_t dfy_place_key(const uint8_t *axes, int levels, const int bits[3], const uint32_t place[3]);

/*
 * Encoding, keys[0..count) are sorted; decoding, they are filled in. count is at least 1. DFY_ERROR_MEMORY, or
 * DFY_ERROR_DAMAGED when the bytes make no sense.
 */
int dfy_code_places(DfyMixer *mixer, const int bits[3], uint32_t count, uint64_t *keys);
void dfy_place_of_key(const uint8_t *axes, int levels, uint64_t key, uint32_t place[3]);

#endif
