/* The progress line on a terminal, and the flag that Ctrl-C sets. */
#include "cli.h"

#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

double seconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* ---------------------------------------------------------------- interrupt */

static volatile sig_atomic_t stop_requested;
static volatile sig_atomic_t line_is_lost;
static char removed_on_stop[4096];
static const char *volatile said_on_stop;
static volatile int cut_handle = -1;
static volatile off_t cut_at;

static void say(const char *text) {
    if (write(STDERR_FILENO, text, strlen(text)) < 0) return; /* nobody is there to read it */
}

static void on_signal(int number) {
    if (number == SIGHUP) line_is_lost = 1;
    if (stop_requested && number != SIGHUP) {
        if (removed_on_stop[0]) unlink(removed_on_stop);
        if (cut_handle >= 0 && ftruncate(cut_handle, cut_at))
            say("\ndiffy: The end of the part file can't be removed.");
        if (said_on_stop) {
            say("\ndiffy: Stopped immediately. ");
            say(said_on_stop);
            say("\n");
        }
        _exit(128 + number);
    }
    stop_requested = 1;
}

void interrupt_watch(void) {
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

void interrupt_wakes(void) {
    struct sigaction action = {.sa_handler = on_signal}, old;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    if (!sigaction(SIGHUP, NULL, &old) && old.sa_handler != SIG_IGN) sigaction(SIGHUP, &action, NULL); /* no nohup */
}

int hung_up(void) {
    return line_is_lost != 0;
}

void interrupt_says(const char *text) {
    said_on_stop = text;
}

void interrupt_cuts(int handle, uint64_t size_bytes) {
    cut_at = (off_t)size_bytes;
    cut_handle = handle;
}

int interrupted(void) {
    return stop_requested != 0;
}

void interrupt_removes(const char *part_path) {
    removed_on_stop[0] = 0;
    if (part_path && strlen(part_path) < sizeof removed_on_stop) strcpy(removed_on_stop, part_path);
}

/* ---------------------------------------------------------------- progress */

enum { BAR_CELLS = 24, FEWEST_CELLS = 5, NO_TERMINAL = 0 };
static const double redraw_seconds = 0.1;
static const double rate_seconds = 0.3; /* before this much time a rate is a guess */

void progress_start(Progress *progress, const char *when) {
    int terminal = isatty(STDERR_FILENO);
    progress->visible = !strcmp(when, "always") || (!strcmp(when, "auto") && terminal);
    progress->start = seconds_now();
    progress->stage = NULL;
}

/* Columns that a line may have without being broken, which \r could not take back. */
static int columns(void) {
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) || size.ws_col < 2) return NO_TERMINAL;
    return size.ws_col - 1;
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

/*
 * Frames a second; 0 while that is not known. What a stage takes to begin, as to look ahead, says nothing of its rest,
 * but counts in the end.
 */
static double rate_of(Progress *progress, const char *stage, uint64_t done, uint64_t total, double now) {
    if (progress->stage != stage) {
        progress->stage = stage;
        progress->stage_start = now;
        progress->stage_from = done;
    }
    int ended = total && done >= total;
    double elapsed = now - (ended ? progress->start : progress->stage_start);
    return elapsed > rate_seconds ? (double)(done - (ended ? 0 : progress->stage_from)) / elapsed : 0;
}

/* A bar as wide as the terminal leaves room for beside the text; none where that is too little. */
static void format_bar(char *bar, int text_length, double fraction) {
    int room = columns(), cells = BAR_CELLS;
    if (room != NO_TERMINAL && room - text_length - 3 < cells) cells = room - text_length - 3;
    bar[0] = 0;
    if (cells < FEWEST_CELLS) return;
    int filled = (int)((double)cells * fraction);
    bar[0] = '[';
    memset(bar + 1, '#', (size_t)filled);
    memset(bar + 1 + filled, '-', (size_t)(cells - filled));
    strcpy(bar + 1 + cells, "] ");
}

void progress_show(Progress *progress, const char *stage, uint64_t done, uint64_t total) {
    double now = seconds_now();
    if (!progress->visible || (now - progress->last < redraw_seconds && done != total)) return;
    progress->last = now;
    double rate = rate_of(progress, stage, done, total, now);
    int room = columns(), length = 0;
    char text[160], bar[BAR_CELLS + 4] = "", speed[32] = "", left[32] = "", count[64];
    if (rate > 0) snprintf(speed, sizeof speed, "  %.0f fps", rate);
    if (total >= done && total > 0) {
        snprintf(count, sizeof count, "%llu/%llu", (unsigned long long)done, (unsigned long long)total);
        if (rate > 0 && done < total) format_time_left(left, sizeof left, (double)(total - done) / rate);
    } else {
        snprintf(count, sizeof count, "%llu frames", (unsigned long long)done);
    }
    /* What there is no room for is left out: first the speed, then the time. */
    for (int parts = 2; parts >= 0; parts--) {
        length = snprintf(text, sizeof text, "%s  %s%s%s", stage, count, parts > 1 ? speed : "", parts ? left : "");
        if (room == NO_TERMINAL || length <= room) break;
    }
    if (total >= done && total > 0) format_bar(bar, length, (double)done / (double)total);
    char line[sizeof text + sizeof bar];
    length = snprintf(line, sizeof line, "%s%s", bar, text);
    if (room != NO_TERMINAL && length > room) line[length = room] = 0;
    int wipe = room != NO_TERMINAL && progress->drawn_length > room ? room : progress->drawn_length;
    fprintf(stderr, "\r%-*s", wipe, line);
    fflush(stderr);
    progress->drawn_length = length;
}

/* Takes the line away: what stays on the terminal is the result. */
void progress_end(Progress *progress) {
    if (progress->visible && progress->drawn_length) fprintf(stderr, "\r%*s\r", progress->drawn_length, "");
    progress->drawn_length = 0;
}
