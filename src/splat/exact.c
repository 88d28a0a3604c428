/*
 * From IEEE double additions, multiplications and divisions in a fixed order: libraries' own differ in their last
 * bits, and the same file shall decode to the same model natively and in WebAssembly.
 */
#include "splat/exact.h"

#define PI 3.14159265358979323846

/* x = m 2^e, ln m by the series of the inverse hyperbolic tangent. */
double dfy_exact_ln(double x) {
    int e = 0;
    for (; x >= 1.5; e++) x /= 2;
    for (; x < 0.75; e--) x *= 2;
    double t = (x - 1) / (x + 1), t2 = t * t, sum = 0, power = t;
    for (int k = 1; k < 24; k += 2) {
        sum += power / (double)k;
        power *= t2;
    }
    return 2 * sum + (double)e * 0.69314718055994530942;
}

double dfy_exact_logit(double p) {
    const double edge = 1.1253516205509499e-7; /* of a logit of -16 */
    if (!(p > edge)) return -16;
    if (p >= 1 - edge) return 16;
    return dfy_exact_ln(p / (1 - p));
}

static double series_sin(double x) {
    double x2 = x * x, sum = 1, term = 1;
    for (int k = 1; k <= 9; k++) {
        term = -term * x2 / (double)(2 * k * (2 * k + 1));
        sum += term;
    }
    return sum * x;
}

double dfy_exact_sin(double x) {
    while (x > PI) x -= 2 * PI;
    while (x < -PI) x += 2 * PI;
    if (x > PI / 2) x = PI - x;
    if (x < -PI / 2) x = -PI - x;
    return series_sin(x);
}

double dfy_exact_cos(double x) {
    return dfy_exact_sin(x + PI / 2);
}
