/*
 * From IEEE double additions, multiplications and divisions in a fixed order: libraries' own differ in their last
 * bits, and the same file shall decode to the same model natively and in WebAssembly.
 */
#include "splat/model/exact.h"

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

/* x = k ln 2 + r, e^r by Taylor's series. */
double dfy_exact_exp(double x) {
    if (x > 700) x = 700;
    if (x < -700) x = -700;
    int k = (int)(x * 1.4426950408889634 + (x < 0 ? -0.5 : 0.5));
    static const double parts[] = {1.0 / 13, 1.0 / 12, 1.0 / 11, 1.0 / 10, 1.0 / 9, 1.0 / 8, 1.0 / 7,
                                   1.0 / 6,  1.0 / 5,  1.0 / 4,  1.0 / 3,  1.0 / 2, 1};
    double r = x - (double)k * 0.69314718055994530942, sum = 1, factor = k < 0 ? 0.5 : 2;
    for (int i = 0; i < 13; i++) sum = 1 + sum * (r * parts[i]);
    for (int left = k < 0 ? -k : k; left; left >>= 1, factor *= factor)
        if (left & 1) sum *= factor;
    return sum;
}

/* Of 0 .. tan(pi / 8), by its series. */
static double series_atan(double t) {
    static const double parts[] = {1.0 / 25, 1.0 / 23, 1.0 / 21, 1.0 / 19, 1.0 / 17, 1.0 / 15, 1.0 / 13,
                                   1.0 / 11, 1.0 / 9,  1.0 / 7,  1.0 / 5,  1.0 / 3,  1};
    double square = t * t, sum = 0;
    for (int i = 0; i < 13; i++) sum = parts[i] - square * sum;
    return t * sum;
}

double dfy_exact_atan2(double y, double x) {
    double up = y < 0 ? -y : y, along = x < 0 ? -x : x, small = up < along ? up : along,
           large = up < along ? along : up;
    if (!(large > 0)) return 0;
    double t = small / large, angle;
    angle = t > 0.41421356237309503 ? PI / 4 - series_atan((1 - t) / (1 + t)) : series_atan(t);
    if (up > along) angle = PI / 2 - angle;
    if (x < 0) angle = PI - angle;
    return y < 0 ? -angle : angle;
}

double dfy_exact_logit(double p) {
    const double edge = 1.1253516205509499e-7; /* of a logit of -16 */
    if (!(p > edge)) return -16;
    if (p >= 1 - edge) return 16;
    return dfy_exact_ln(p / (1 - p));
}

/* Taylor's series to x^17 for at most a quarter turn. */
static double series_sin(double x) {
    double y = x * x;
    double sum = 2.8114572543455206e-15;
    sum = sum * y - 7.6471637318198164e-13;
    sum = sum * y + 1.6059043836821613e-10;
    sum = sum * y - 2.5052108385441720e-8;
    sum = sum * y + 2.7557319223985893e-6;
    sum = sum * y - 1.9841269841269841e-4;
    sum = sum * y + 8.3333333333333332e-3;
    sum = sum * y - 1.6666666666666666e-1;
    return x + x * y * sum;
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
