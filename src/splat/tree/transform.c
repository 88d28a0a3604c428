#include "splat/tree/transform.h"

#include <math.h>
#include <string.h>

/* Turns rows and columns p and q of a so that a[p][q] becomes 0, and the vectors with them. */
static void rotate(double *a, double *vectors, int n, int p, int q) {
    double apq = a[p * n + q];
    if (fabs(apq) < 1e-300) return;
    double theta = (a[q * n + q] - a[p * n + p]) / (2 * apq);
    double t = (theta < 0 ? -1 : 1) / (fabs(theta) + sqrt(theta * theta + 1));
    double c = 1 / sqrt(t * t + 1), s = t * c;
    for (int k = 0; k < n; k++) {
        double kp = a[k * n + p], kq = a[k * n + q];
        a[k * n + p] = c * kp - s * kq;
        a[k * n + q] = s * kp + c * kq;
    }
    for (int k = 0; k < n; k++) {
        double pk = a[p * n + k], qk = a[q * n + k];
        a[p * n + k] = c * pk - s * qk;
        a[q * n + k] = s * pk + c * qk;
    }
    for (int k = 0; k < n; k++) {
        double vp = vectors[p * n + k], vq = vectors[q * n + k];
        vectors[p * n + k] = c * vp - s * vq;
        vectors[q * n + k] = s * vp + c * vq;
    }
}

static void swap_rows(double *m, int n, int a, int b) {
    for (int k = 0; k < n; k++) {
        double t = m[a * n + k];
        m[a * n + k] = m[b * n + k];
        m[b * n + k] = t;
    }
}

void dfy_principal_axes(double *vectors, double *a, int n) {
    enum { SWEEPS = 10 };
    for (int i = 0; i < n * n; i++) vectors[i] = i % (n + 1) == 0;
    for (int sweep = 0; sweep < SWEEPS; sweep++)
        for (int p = 0; p < n; p++)
            for (int q = p + 1; q < n; q++) rotate(a, vectors, n, p, q);
    for (int i = 0; i < n; i++) {
        int largest = i;
        for (int j = i + 1; j < n; j++)
            if (a[j * n + j] > a[largest * n + largest]) largest = j;
        double t = a[i * n + i];
        a[i * n + i] = a[largest * n + largest];
        a[largest * n + largest] = t;
        swap_rows(vectors, n, i, largest);
    }
}

int dfy_invert(double *inverse, double *a, int n) {
    for (int i = 0; i < n * n; i++) inverse[i] = i % (n + 1) == 0;
    for (int i = 0; i < n; i++) {
        int pivot = i;
        for (int j = i + 1; j < n; j++)
            if (fabs(a[j * n + i]) > fabs(a[pivot * n + i])) pivot = j;
        if (fabs(a[pivot * n + i]) < 1e-9) return 0;
        swap_rows(a, n, i, pivot);
        swap_rows(inverse, n, i, pivot);
        double scale = 1 / a[i * n + i];
        for (int k = 0; k < n; k++) {
            a[i * n + k] *= scale;
            inverse[i * n + k] *= scale;
        }
        for (int j = 0; j < n; j++) {
            double f = a[j * n + i];
            if (j == i || f == 0) continue;
            for (int k = 0; k < n; k++) {
                a[j * n + k] -= f * a[i * n + k];
                inverse[j * n + k] -= f * inverse[i * n + k];
            }
        }
    }
    return 1;
}
