/* Time of a source: clocks that jump, and the nominal rate. */
#include "meaning.h"

#include <math.h>
#include <stdlib.h>

static const double back_seconds = 0.1, on_seconds = 10; /* as ffmpeg has them */

void clock_take(Clock *clock, int64_t time, int64_t duration) {
    int64_t step = duration > 0 ? duration : clock->frame_ticks > 0 ? clock->frame_ticks : 1;
    int64_t moved = time + clock->offset;
    if (clock->started) {
        double gap = (double)(moved - clock->next) * clock->seconds_a_tick;
        double back = (double)(clock->last - moved) * clock->seconds_a_tick;
        double longest = (double)clock->longest_step * clock->seconds_a_tick;
        if (back > back_seconds || gap > fmax(on_seconds, 4 * longest)) {
            clock->offset += clock->next - moved;
            moved = clock->next;
            clock->resets++;
        } else if (moved - clock->last > clock->longest_step) {
            clock->longest_step = moved - clock->last;
        }
    }
    if (step > clock->longest_step) clock->longest_step = step;
    if (!clock->started || moved > clock->last) clock->last = moved;
    clock->next = clock->last + step;
    clock->started = 1;
}

static int by_time(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Mean of the steps that are near the middle one; how many that are. */
static double mean_near(const int64_t *steps, size_t count, double near, size_t *used) {
    double middle = (double)steps[count / 2], sum = 0;
    *used = 0;
    for (size_t i = 0; i < count; i++) {
        if (fabs((double)steps[i] - middle) > fmax(1, near * middle)) continue;
        sum += (double)steps[i];
        ++*used;
    }
    return *used ? sum / (double)*used : middle;
}

/*
 * A clock of whole milliseconds, as Matroska's, makes steps of 33 and 34: near ones are averaged. Phones take pictures
 * at moments that waver: where few steps are near each other, those not so near count as well.
 */
static double usual_step(int64_t *steps, size_t count) {
    size_t used;
    qsort(steps, count, sizeof *steps, by_time);
    double step = mean_near(steps, count, 1.0 / 8, &used);
    return used < count - count / 4 ? mean_near(steps, count, 1.0 / 3, &used) : step;
}

void rate_from_times(int64_t *times, size_t count, double seconds_a_tick, int *num, int *den) {
    *num = *den = 0;
    qsort(times, count, sizeof *times, by_time);
    size_t steps = 0;
    for (size_t i = 1; i < count; i++)
        if (times[i] > times[i - 1]) times[steps++] = times[i] - times[i - 1];
    if (steps) rate_from_number(1 / (usual_step(times, steps) * seconds_a_tick), num, den);
}
