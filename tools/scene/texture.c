/* Smooth noise from a lattice of random values that repeats every 256 cells. */
#include "scene/random.h"
#include "scene/rows.h"

enum { CELLS = LATTICE_CELLS };
static float lattice[CELLS][LATTICE_STRIDE];
const float (*texture_lattice)[LATTICE_STRIDE] = (const float (*)[LATTICE_STRIDE])lattice;

/* One texture for all scenes, whatever their seed: where in it they look is theirs. */
void texture_prepare(void) {
    const uint64_t seed = 7;

    for (int y = 0; y < CELLS; y++) {
        for (int x = 0; x < CELLS; x++) lattice[y][x] = (float)(2 * uniform_of(seed, (uint64_t)(y * CELLS + x)) - 1);
        lattice[y][CELLS] = lattice[y][0];
    }
}

/* floorf costs a call where the processor isn't known to have it, and this is the generator's innermost line. */
static inline int floor_of(float value) {
    int whole = (int)value;
    return whole - (value < (float)whole);
}

float texture_noise(float x, float y) {
    int cell_x = floor_of(x), cell_y = floor_of(y);
    float ax = x - (float)cell_x, ay = y - (float)cell_y;
    unsigned ix = (unsigned)cell_x & (CELLS - 1), iy = (unsigned)cell_y & (CELLS - 1);
    unsigned jx = (ix + 1) & (CELLS - 1), jy = (iy + 1) & (CELLS - 1);
    ax = ax * ax * (3 - 2 * ax);
    ay = ay * ay * (3 - 2 * ay);
    float top = lattice[iy][ix] + (lattice[iy][jx] - lattice[iy][ix]) * ax;
    float bottom = lattice[jy][ix] + (lattice[jy][jx] - lattice[jy][ix]) * ax;
    return top + (bottom - top) * ay;
}

float texture_fractal(float x, float y, int octaves) {
    float sum = 0, strength = 0.6f;
    for (int i = 0; i < octaves; i++) {
        sum += strength * texture_noise(x, y);
        x = 2 * x + 17.3f;
        y = 2 * y + 5.7f;
        strength *= 0.55f;
    }
    return sum;
}
