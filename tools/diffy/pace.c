#include "pace.h"

#define MOST_LAG 3.0         /* seconds that pictures may be seen later than at best */
#define LITTLE_LAG 1.0       /* where they are not seen later than that, there may be time to spare */
#define DOWN_PATIENCE 10.0   /* seconds between two steps down: what is held back is still coded as before */
#define UP_PATIENCE 30.0     /* seconds of time to spare before a step up */
#define MOST_PATIENCE 1800.0 /* what UP_PATIENCE doubles to when steps up were too much */
#define SPARE 0.5            /* share of the time that may be work where the next effort, half as dear again, fits in */

void pace_begin(Pace *p, int effort, double now) {
    *p = (Pace){.effort = effort, .most = effort, .lowest = effort, .patience = UP_PATIENCE, .since = now};
}

void pace_worked(Pace *p, double seconds) {
    p->busy += seconds;
}

static void look_anew(Pace *p, double now) {
    p->since = now;
    p->busy = 0;
}

static int change(Pace *p, double now, int by) {
    p->effort += by;
    if (p->effort < p->lowest) p->lowest = p->effort;
    p->changes++;
    p->changed = now;
    look_anew(p, now);
    return 1;
}

static int go_down(Pace *p, double now) {
    if (p->effort == 1 || (p->changed > 0 && now < p->changed + DOWN_PATIENCE)) return 0;
    /* What was too much soon after a step up is not tried again so soon. */
    if (p->raised > 0 && now < p->raised + 4 * p->patience && p->patience < MOST_PATIENCE) p->patience *= 2;
    return change(p, now, -1);
}

int pace_changes(Pace *p, double now, double seconds) {
    double lag = now - seconds;
    if (!p->least_lag || lag < p->least_lag) p->least_lag = lag;
    if (lag >= p->least_lag + MOST_LAG) return go_down(p, now);
    if (lag > p->least_lag + LITTLE_LAG) look_anew(p, now);
    if (p->effort == p->most || now < p->since + p->patience) return 0;
    int spare = p->busy < SPARE * (now - p->since);
    if (!spare) {
        look_anew(p, now);
        return 0;
    }
    p->raised = now;
    return change(p, now, 1);
}
