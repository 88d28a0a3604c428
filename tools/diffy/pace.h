/*
 * How hard a recording from a camera may be worked at: a camera does not wait. Where its pictures are seen later and
 * later the effort goes down, and up again when there has been time to spare for a while. Knows no clock of its own.
 */
#ifndef DIFFY_PACE_H
#define DIFFY_PACE_H

typedef struct Pace {
    int effort, most; /* now, and as the options say */
    int lowest;       /* that it was */
    int changes;
    double least_lag;       /* seconds between a picture's time and when it was seen, at best; 0: none was seen */
    double changed, raised; /* when the effort was changed last, and went up last */
    double patience;        /* seconds of time to spare before it goes up */
    double since, busy;     /* where the time that is looked at began, and how much of it was work */
} Pace;

void pace_begin(Pace *pace, int effort, double now);

/* A picture was worked at for so many seconds. */
void pace_worked(Pace *pace, double seconds);

/* A picture of time `seconds` is there; whether the effort has changed. */
int pace_changes(Pace *pace, double now, double seconds);

#endif
