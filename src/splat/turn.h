/*
 * Rotations on a grid: where one chosen axis of the splat points (a ring of the sphere and a sector of the ring) and
 * the twist about it. Cells are nearly cubes of the same size everywhere, which three quaternion components are
 * not, and the axis, when it is the splat's thinnest, is the surface's normal, which neighbours share.
 */
#ifndef DFY_SPLAT_TURN_H
#define DFY_SPLAT_TURN_H

#include <stdint.h>

enum { DFY_TURN_ONE = 1 << 30, DFY_TURN_MAX_RINGS = 32000 };

typedef struct DfyTurn {
    int32_t ring, sector, twist;
} DfyTurn;

/* Sectors of a ring, when the half circle has `rings` rings. */
int32_t dfy_turn_sectors(int32_t rings, int32_t ring);
static inline int32_t dfy_turn_twists(int32_t rings) {
    return rings * 2;
}

/* The nearest cell of unit quaternion w x y z, `axis` (0..2) being the chosen one. */
DfyTurn dfy_turn_of(const double q[4], int axis, int32_t rings, int32_t twists);
/* Its centre as w x y z in 1/DFY_TURN_ONE. */
void dfy_turn_quaternion(int32_t q[4], DfyTurn turn, int axis, int32_t rings, int32_t twists);

/* The world's direction of a splat's axis, in 1/16384. */
void dfy_turn_axis(int32_t direction[3], const int32_t q[4], int axis);
/* In 1/16 of a ring and of the ring's sectors: where a direction of any length lies. */
void dfy_turn_place(int32_t *ring_16, int32_t *turn_16384, const int32_t direction[3], int32_t rings);

/* Product of quaternions in 1/DFY_TURN_ONE, made unit length again. */
void dfy_turn_multiply(int32_t out[4], const int32_t a[4], const int32_t b[4]);
void dfy_turn_normalise(int32_t out[4], const int64_t q[4]);

uint32_t dfy_isqrt(uint64_t value);

#endif
