/* Small dense linear algebra for the encoder: principal axes, inverses, regressions. Nothing a decoder needs. */
#ifndef DFY_SPLAT_TRANSFORM_H
#define DFY_SPLAT_TRANSFORM_H

#include <stddef.h>

/*
 * Eigenvectors of the symmetric n x n matrix a (which is destroyed) as the rows of `vectors`, largest eigenvalue
 * first, by Jacobi's rotations.
 */
void dfy_principal_axes(double *vectors, double *a, int n);

/* Inverse by Gauss-Jordan elimination; 0 when the matrix (which is destroyed) is singular. */
int dfy_invert(double *inverse, double *a, int n);

#endif
