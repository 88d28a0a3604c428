/*
 * Rotations on a grid: where one chosen axis of the splat points (a ring of the sphere and a sector of the ring) and
 * the twist about it. Cells are nearly cubes of the same size everywhere, which three quaternion components are
 * not, and the axis, when it is the splat's thinnest, is the surface's normal, which neighbours share.
 */
#ifndef DFY_SPLAT_TURN_H
#define DFY_SPLAT_TURN_H

#include <stddef.h>
#include <stdint.h>

enum { DFY_TURN_ONE = 1 << 30, DFY_TURN_MAX_RINGS = 32000 };

/* Rings of the half circle, sectors of the widest ring and twists of the circle, the latter two multiples of 4. */
typedef struct DfyTurnGrid {
    int32_t rings, sectors, twists;
} DfyTurnGrid;

typedef struct DfyTurn {
    int32_t ring, sector, twist;
} DfyTurn;

/* Sectors of a ring, a multiple of 4. */
int32_t dfy_turn_sectors(const DfyTurnGrid *grid, int32_t ring);
/* What is known of a ring, once it has been asked for: its sectors, sine and cosine of half its polar angle. */
typedef struct DfyTurnRing {
    int32_t sectors;
    double half_sine, half_cosine;
} DfyTurnRing;

/* rings: all of the grid's, at first zeros. */
const DfyTurnRing *dfy_turn_ring(DfyTurnRing *rings, const DfyTurnGrid *grid, int32_t ring);
/* A cell's centre as w x y z in 1/DFY_TURN_ONE, `axis` (0..2) being the chosen one; ring is the cell's. */
void dfy_turn_quaternion(int32_t q[4], DfyTurn turn, int axis, const DfyTurnGrid *grid, const DfyTurnRing *ring);

/*
 * Encoder: the cells of unit quaternions. Ring, sector and twist are plain numbers of one trellis (trellis.h): of a
 * fine grid's cells only those that the machine allows are used. *mean becomes the mean of the squared angles between
 * rotations and cells. DFY_ERROR_MEMORY or DFY_OK.
 */
int dfy_turn_quantise(DfyTurn *turns, double *mean, const double (*quaternions)[4], const uint8_t *axes, size_t count,
                      const DfyTurnGrid *grid);
/* The rotation with columns reordered so that `axis` is last. */
void dfy_turn_axes(double out[4], const double q[4], int axis);

/* The world's direction of a splat's axis, in 1/16384. */
void dfy_turn_axis(int32_t direction[3], const int32_t q[4], int axis);
/* In 1/16 of a ring and of the ring's sectors: where a direction of any length lies. */
void dfy_turn_place(int32_t *ring_16, int32_t *turn_16384, const int32_t direction[3], int32_t rings);

/* Product of quaternions in 1/DFY_TURN_ONE, made unit length again. */
void dfy_turn_multiply(int32_t out[4], const int32_t a[4], const int32_t b[4]);
void dfy_turn_normalise(int32_t out[4], const int64_t q[4]);
/* The same by Newton's method, which costs no division, where the length is near 1. */
void dfy_turn_multiply_near(int32_t out[4], const int32_t a[4], const int32_t b[4]);
void dfy_turn_normalise_near(int32_t out[4], const int64_t q[4]);

uint32_t dfy_isqrt(uint64_t value);

#endif
