/* The few functions beyond + - * / and roots that models need on both sides, the same on every machine. */
#ifndef DFY_SPLAT_EXACT_H
#define DFY_SPLAT_EXACT_H

/* ln(x) for x > 0. */
double dfy_exact_ln(double x);
/* e^x, within 1e-13 of itself; beyond -700 .. 700 as there. */
double dfy_exact_exp(double x);
/* The angle of the direction (x, y), -pi .. pi; within 1e-10. */
double dfy_exact_atan2(double y, double x);
/* Inverse of the sigmoid; below and above the logits of -16 and 16, those. */
double dfy_exact_logit(double p);
/* Any angle in -4 pi .. 4 pi; within 1e-11. */
double dfy_exact_sin(double x);
double dfy_exact_cos(double x);

#endif
