#include "splat/quant/turn.h"

#include <math.h>

#include "splat/model/exact.h"

#define PI 3.14159265358979323846

uint32_t dfy_isqrt(uint64_t value) {
    double guess = sqrt((double)value); /* the same everywhere, and off by less than one */
    uint64_t root = guess < UINT32_MAX ? (uint64_t)guess : UINT32_MAX;
    while (root * root > value) root--;
    while (root < UINT32_MAX && (root + 1) * (root + 1) <= value) root++;
    return (uint32_t)root;
}

static double ring_angle(int32_t rings, int32_t ring) {
    return ((double)ring + 0.5) * PI / (double)rings;
}

int32_t dfy_turn_sectors(const DfyTurnGrid *grid, int32_t ring) {
    double fours = dfy_exact_sin(ring_angle(grid->rings, ring)) * (double)grid->sectors / 4;
    return fours < 1 ? 4 : (int32_t)(fours + 0.5) * 4;
}

/* q times a turn of a third about the diagonal. */
void dfy_turn_axes(double out[4], const double q[4], int axis) {
    static const double third[3][4] = {{0.5, 0.5, 0.5, 0.5}, {0.5, -0.5, -0.5, -0.5}, {1, 0, 0, 0}};
    const double *p = third[axis];
    out[0] = q[0] * p[0] - q[1] * p[1] - q[2] * p[2] - q[3] * p[3];
    out[1] = q[0] * p[1] + q[1] * p[0] + q[2] * p[3] - q[3] * p[2];
    out[2] = q[0] * p[2] - q[1] * p[3] + q[2] * p[0] + q[3] * p[1];
    out[3] = q[0] * p[3] + q[1] * p[2] - q[2] * p[1] + q[3] * p[0];
}

const DfyTurnRing *dfy_turn_ring(DfyTurnRing *rings, const DfyTurnGrid *grid, int32_t ring) {
    DfyTurnRing *r = &rings[ring];
    if (r->sectors) return r;
    double half = ring_angle(grid->rings, ring) / 2;
    *r = (DfyTurnRing){dfy_turn_sectors(grid, ring), dfy_exact_sin(half), dfy_exact_cos(half)};
    return r;
}

void dfy_turn_quaternion(int32_t out[4], DfyTurn turn, int axis, const DfyTurnGrid *grid, const DfyTurnRing *ring) {
    static const double back[3][4] = {{0.5, -0.5, -0.5, -0.5}, {0.5, 0.5, 0.5, 0.5}, {1, 0, 0, 0}};
    double a = ((double)turn.sector + 0.5) * PI / (double)ring->sectors;
    double c = ((double)turn.twist + 0.5) * PI / (double)grid->twists;
    double q[4] = {ring->half_cosine * dfy_exact_cos(a + c), ring->half_sine * dfy_exact_sin(c - a),
                   ring->half_sine * dfy_exact_cos(c - a), ring->half_cosine * dfy_exact_sin(a + c)};
    const double *p = back[axis];
    double r[4] = {
        q[0] * p[0] - q[1] * p[1] - q[2] * p[2] - q[3] * p[3], q[0] * p[1] + q[1] * p[0] + q[2] * p[3] - q[3] * p[2],
        q[0] * p[2] - q[1] * p[3] + q[2] * p[0] + q[3] * p[1], q[0] * p[3] + q[1] * p[2] - q[2] * p[1] + q[3] * p[0]};
    for (int i = 0; i < 4; i++) out[i] = (int32_t)(r[i] * DFY_TURN_ONE + (r[i] < 0 ? -0.5 : 0.5));
}

void dfy_turn_axis(int32_t direction[3], const int32_t quaternion[4], int axis) {
    int64_t q[4];
    for (int i = 0; i < 4; i++) q[i] = quaternion[i] >> 15; /* 1/32768 */
    int i = axis, j = (axis + 1) % 3, k = (axis + 2) % 3;
    int64_t w = q[0], x = q[1 + i], y = q[1 + j], z = q[1 + k];
    direction[i] = (int32_t)((32768LL * 32768 - 2 * (y * y + z * z)) >> 16);
    direction[j] = (int32_t)((2 * (x * y + w * z)) >> 16);
    direction[k] = (int32_t)((2 * (x * z - w * y)) >> 16);
}

/* atan2(y, x) for y >= 0, x >= 0 as 0..4096 a quarter turn; within 0.3 degrees, which is enough for a context. */
static int32_t quarter_angle(int64_t y, int64_t x) {
    if (!x && !y) return 0;
    int64_t small = y < x ? y : x, large = y < x ? x : y;
    int64_t t = small * 4096 / large;
    int64_t angle = t * 2048 / 4096 + t * (4096 - t) / 4096 * 711 / 4096;
    return (int32_t)(y < x ? angle : 4096 - angle);
}

void dfy_turn_place(int32_t *ring_16, int32_t *turn_16384, const int32_t d[3], int32_t rings) {
    int64_t x = d[0], y = d[1], z = d[2];
    int64_t flat = dfy_isqrt((uint64_t)(x * x + y * y));
    int32_t polar = z >= 0 ? quarter_angle(flat, z) : 8192 - quarter_angle(flat, -z);
    int32_t azimuth = quarter_angle(y < 0 ? -y : y, x < 0 ? -x : x);
    if (x < 0) azimuth = 8192 - azimuth;
    if (y < 0) azimuth = 16383 - azimuth;
    *ring_16 = (int32_t)((int64_t)polar * rings * 16 / 8192);
    *turn_16384 = azimuth < 0 ? 0 : azimuth;
}

void dfy_turn_normalise(int32_t out[4], const int64_t q[4]) {
    uint64_t sum = 0;
    for (int i = 0; i < 4; i++) sum += (uint64_t)((q[i] >> 15) * (q[i] >> 15)); /* components at most about 2^30 */
    int64_t length = dfy_isqrt(sum << 20);                                      /* of q / 2^15, times 2^10 */
    for (int i = 0; i < 4; i++) out[i] = length ? (int32_t)(q[i] * (1 << 25) / length) : i ? 0 : DFY_TURN_ONE;
}

/* How much longer than 1 the square is, in 1/2^30. */
static int64_t excess(const int64_t q[4]) {
    int64_t sum = -(1LL << 30);
    for (int i = 0; i < 4; i++) sum += (q[i] >> 15) * (q[i] >> 15);
    return sum;
}

enum { ROUGHLY = 1 << 26, NEARLY = 1 << 20 }; /* excesses that two steps and one make good */

void dfy_turn_normalise_near(int32_t out[4], const int64_t q[4]) {
    int64_t r[4] = {q[0], q[1], q[2], q[3]}, more = excess(r);
    if (more > ROUGHLY || more < -ROUGHLY) {
        dfy_turn_normalise(out, q);
        return;
    }
    for (int steps = more > NEARLY || more < -NEARLY ? 2 : 1; steps > 0; steps--) {
        for (int i = 0; i < 4; i++) r[i] -= r[i] * more >> 31;
        if (steps > 1) more = excess(r);
    }
    for (int i = 0; i < 4; i++) out[i] = (int32_t)r[i];
}

static void multiply(int64_t p[4], const int32_t a[4], const int32_t b[4]) {
    int64_t w = a[0], x = a[1], y = a[2], z = a[3];
    p[0] = (w * b[0] >> 30) - (x * b[1] >> 30) - (y * b[2] >> 30) - (z * b[3] >> 30);
    p[1] = (w * b[1] >> 30) + (x * b[0] >> 30) + (y * b[3] >> 30) - (z * b[2] >> 30);
    p[2] = (w * b[2] >> 30) - (x * b[3] >> 30) + (y * b[0] >> 30) + (z * b[1] >> 30);
    p[3] = (w * b[3] >> 30) + (x * b[2] >> 30) - (y * b[1] >> 30) + (z * b[0] >> 30);
}

void dfy_turn_multiply(int32_t out[4], const int32_t a[4], const int32_t b[4]) {
    int64_t p[4];
    multiply(p, a, b);
    dfy_turn_normalise(out, p);
}

void dfy_turn_multiply_near(int32_t out[4], const int32_t a[4], const int32_t b[4]) {
    int64_t p[4];
    multiply(p, a, b);
    dfy_turn_normalise_near(out, p);
}
