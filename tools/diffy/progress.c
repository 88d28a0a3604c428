/* The progress line on a terminal, and the flag that Ctrl-C sets. */
#include "cli.h"

#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

double seconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* ---------------------------------------------------------------- interrupt */

static volatile sig_atomic_t stop_requested;
static char removed_on_stop[4096];

static void on_signal(int number) {
    if (stop_requested) {
        if (removed_on_stop[0]) unlink(removed_on_stop);
        _exit(128 + number);
    }
    stop_requested = 1;
}

void interrupt_watch(void) {
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

int interrupted(void) {
    return stop_requested != 0;
}

void interrupt_removes(const char *part_path) {
    removed_on_stop[0] = 0;
    if (part_path && strlen(part_path) < sizeof removed_on_stop) strcpy(removed_on_stop, part_path);
}

/* ---------------------------------------------------------------- progress */

enum { BAR_CELLS = 24 };
static const double redraw_seconds = 0.1;
static const double rate_seconds = 0.3; /* before this much time a rate is a guess */

void progress_start(Progress *progress, const char *when) {
    int terminal = isatty(STDERR_FILENO);
    progress->visible = !strcmp(when, "always") || (!strcmp(when, "auto") && terminal);
    progress->start = seconds_now();
}

static void format_time_left(char *text, size_t size, double seconds) {
    if (seconds < 0 || seconds > 359999) {
        text[0] = 0;
        return;
    }
    int whole = (int)(seconds + 0.5);
    if (whole >= 3600)
        snprintf(text, size, "  %d:%02d:%02d left", whole / 3600, whole / 60 % 60, whole % 60);
    else
        snprintf(text, size, "  %d:%02d left", whole / 60, whole % 60);
}

void progress_show(Progress *progress, const char *stage, uint64_t done, uint64_t total) {
    double now = seconds_now();
    if (!progress->visible || (now - progress->last < redraw_seconds && done != total)) return;
    progress->last = now;
    double elapsed = now - progress->start, rate = elapsed > rate_seconds ? (double)done / elapsed : 0;
    char line[200], bar[BAR_CELLS + 1], speed[32] = "", left[32];
    int length;
    if (rate > 0) snprintf(speed, sizeof speed, "  %.0f fps", rate);
    if (total >= done && total > 0) {
        int filled = (int)((double)BAR_CELLS * (double)done / (double)total);
        memset(bar, '#', (size_t)filled);
        memset(bar + filled, '-', (size_t)(BAR_CELLS - filled));
        bar[BAR_CELLS] = 0;
        format_time_left(left, sizeof left, rate > 0 ? (double)(total - done) / rate : -1);
        length = snprintf(line, sizeof line, "[%s] %s  %llu/%llu%s%s", bar, stage, (unsigned long long)done,
                          (unsigned long long)total, speed, left);
    } else {
        length = snprintf(line, sizeof line, "%s  %llu frames%s", stage, (unsigned long long)done, speed);
    }
    fprintf(stderr, "\r%-*s", progress->drawn_length > length ? progress->drawn_length : length, line);
    fflush(stderr);
    progress->drawn_length = length;
}

/* Takes the line away: what stays on the terminal is the result. */
void progress_end(Progress *progress) {
    if (progress->visible && progress->drawn_length) fprintf(stderr, "\r%*s\r", progress->drawn_length, "");
    progress->drawn_length = 0;
}
