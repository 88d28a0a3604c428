/* A gyroscope's log: a CSV with columns t, x, y, z in seconds and rad/s, in order of time. */
#ifndef DIFFY_GYRO_H
#define DIFFY_GYRO_H

#include <stddef.h>

typedef struct GyroSample {
    double time, rate[3];
} GyroSample;

typedef struct GyroLog {
    GyroSample *samples;
    size_t count, next;
} GyroLog;

int gyro_log_open(GyroLog *log, const char *path); /* complains by itself */
/* The next sample at or before seconds after the first one, and the time since the one before it; else NULL. */
const GyroSample *gyro_log_until(GyroLog *log, double seconds, double *dt);
void gyro_log_close(GyroLog *log);

#endif
