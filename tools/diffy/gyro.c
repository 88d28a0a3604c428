/* Reads a gyroscope's log; a first line with names in it is taken as the heading and skipped. */
#include "gyro.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static int parse_sample(const char *line, GyroSample *sample) {
    const char *at = line;
    double values[4];
    for (int i = 0; i < 4; i++) {
        char *end;
        values[i] = strtod(at, &end);
        if (end == at || !isfinite(values[i])) return -1;
        at = end + strspn(end, " \t");
        if (*at == ',' || *at == ';') at++;
    }
    *sample = (GyroSample){values[0], {values[1], values[2], values[3]}};
    return 0;
}

static int add_sample(GyroLog *log, const GyroSample *sample, size_t *capacity) {
    if (log->count == *capacity) {
        *capacity = *capacity ? *capacity * 2 : 1024;
        GyroSample *samples = realloc(log->samples, *capacity * sizeof *samples);
        if (!samples) return complain("There is no memory left for the gyroscope's samples.");
        log->samples = samples;
    }
    log->samples[log->count++] = *sample;
    return STATUS_GOOD;
}

static int read_samples(GyroLog *log, FILE *file, const char *path) {
    char line[512];
    size_t capacity = 0;
    for (int number = 1; fgets(line, sizeof line, file); number++) {
        GyroSample sample;
        if (line[strspn(line, " \t\r\n")] == 0 || line[0] == '#') continue;
        if (parse_sample(line, &sample)) {
            if (number == 1) continue;
            return complain("%s, line %d: four numbers t,x,y,z are needed.", path, number);
        }
        if (log->count && sample.time <= log->samples[log->count - 1].time)
            return complain("%s, line %d: the time is not later than in the line before.", path, number);
        if (add_sample(log, &sample, &capacity)) return STATUS_FAILED;
    }
    if (ferror(file)) return complain("%s can't be read (%s).", path, strerror(errno));
    return log->count ? STATUS_GOOD : complain("%s has no gyroscope samples t,x,y,z.", path);
}

int gyro_log_open(GyroLog *log, const char *path) {
    *log = (GyroLog){0};
    FILE *file = fopen(path, "r");
    if (!file) return complain("%s can't be opened (%s).", path, strerror(errno));
    int status = read_samples(log, file, path);
    fclose(file);
    return status;
}

const GyroSample *gyro_log_until(GyroLog *log, double seconds, double *dt) {
    if (log->next == log->count) return NULL;
    const GyroSample *sample = &log->samples[log->next];
    if (sample->time - log->samples[0].time > seconds) return NULL;
    *dt = log->next ? sample->time - sample[-1].time : 0;
    log->next++;
    return sample;
}

void gyro_log_close(GyroLog *log) {
    free(log->samples);
    *log = (GyroLog){0};
}
