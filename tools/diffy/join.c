/* `diffy join` and `diffy repair`: whole chunks of one or more files become one finished file, without decoding. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

typedef struct Joining {
    const char *output;
    OutputFile file;
    DfyJoiner *joiner;
} Joining;

static int open_joining(Joining *j, const char *output, int drop_metadata) {
    j->output = output;
    DfyJoinerSettings settings;
    dfy_joiner_defaults(&settings);
    settings.drop_metadata = drop_metadata;
    if (output_open(&j->file, output)) return STATUS_FAILED;
    DfyOutput to = output_for_encoder(&j->file);
    return dfy_joiner_open(&j->joiner, &settings, &to) ? complain("There is no memory left to write %s.", output)
                                                       : STATUS_GOOD;
}

static int add(Joining *j, const char *path) {
    DfyInput input;
    int status = input_open(&input, path);
    if (!status && dfy_joiner_add(j->joiner, &input)) {
        status = STATUS_FAILED;
        if (!output_failed(&j->file)) complain("%s: %s", path, dfy_last_message(j->joiner));
    }
    input_close(&input);
    return status;
}

static int finish(Joining *j, DfyJoinStats *stats) {
    if (!dfy_joiner_finish(j->joiner, stats)) return output_keep_safely(&j->file);
    return output_failed(&j->file) ? STATUS_FAILED : complain("%s: %s", j->output, dfy_last_message(j->joiner));
}

static void close_joining(Joining *j) {
    dfy_joiner_close(&j->joiner);
    output_drop(&j->file);
}

/* ---------------------------------------------------------------- repair */

/* OUT.dfy.part has become OUT.dfy and is of no more use; any other file stays. */
static void remove_part_of(const char *part, const char *output) {
    size_t length = strlen(output);
    if (!strncmp(part, output, length) && !strcmp(part + length, ".part")) unlink(part);
}

static void tell_repair(const char *input, const char *output, const DfyJoinStats *stats) {
    printf("%s has the %llu frames of %s", output, (unsigned long long)stats->frames, input);
    if (stats->lost_bytes)
        printf("; %llu bytes of incomplete chunks were dropped", (unsigned long long)stats->lost_bytes);
    if (stats->damaged) printf("; %u damaged chunks were left out", stats->damaged);
    printf("\n");
}

static int repair(Joining *j, const char *input, const char *output) {
    DfyJoinStats stats;
    int status = dfy_output_spares(output, input);
    if (status) return status;
    if (open_joining(j, output, 0) || add(j, input) || finish(j, &stats)) return STATUS_FAILED;
    tell_repair(input, output, &stats);
    remove_part_of(input, output);
    return STATUS_GOOD;
}

int run_repair(int argc, char **argv) {
    const Usage usage = {"diffy repair INPUT.dfy.part OUTPUT.dfy",
                         "Finishes what a crash, a full disk or a power cut left of an encode, or repairs any format "
                         "2\n.dfy file: every intact chunk is kept unchanged, and the index and the end are "
                         "rewritten.\nOUTPUT.dfy.part is deleted once OUTPUT.dfy is complete.\n",
                         NULL,
                         0,
                         2,
                         2};
    const char *paths[2];
    int status = parse_options(&usage, argc, argv, paths);
    if (status != PARSE_GO_ON) return status;
    Joining j = {0};
    status = repair(&j, paths[0], paths[1]);
    close_joining(&j);
    return status;
}

/* ---------------------------------------------------------------- join */

enum { MOST_FILES = 4096 };

/* What `diffy encode --part` notes in a part; parts is 0 in other files. */
typedef struct PartNote {
    unsigned part, parts, analysis; /* analysis: check of what was given by --analysis, 0: none was */
    unsigned long long first_frame;
    uint64_t frames;
    int complete;
} PartNote;

static int read_note(PartNote *note, const char *path) {
    *note = (PartNote){0};
    DfyDecoder *decoder;
    DfyInput input;
    DfyInfo info;
    int status = decoder_open(&decoder, &input, path, NULL);
    if (!status && dfy_decoder_info(decoder, &info)) status = complain("%s: %s", path, dfy_last_message(decoder));
    if (!status) {
        note->frames = info.frames;
        note->complete = info.complete;
        if (sscanf(dfy_decoder_metadata(decoder),
                   "{\"part\": %u, \"parts\": %u, \"first_frame\": %llu, \"analysis\": \"%x\"", &note->part,
                   &note->parts, &note->first_frame, &note->analysis) < 3)
            note->parts = 0;
    }
    dfy_decoder_close(&decoder);
    input_close(&input);
    return status;
}

/* Parts must be all there, each once, in order and whole; other files must be whole. */
static int check_parts(const char *const *paths, int count, int *are_parts) {
    uint64_t frames = 0;
    unsigned analysis = 0;
    for (int i = 0; i < count; i++) {
        PartNote note;
        if (read_note(&note, paths[i])) return STATUS_FAILED;
        if (!note.complete)
            return complain("%s is cut off or was never finished: encode it again, or finish it with diffy repair.",
                            paths[i]);
        *are_parts |= note.parts > 0;
        if (!note.parts && !*are_parts) continue;
        if (!note.parts) return complain("%s is not a part, but files before it are: give only parts.", paths[i]);
        if (note.parts != (unsigned)count || note.part != (unsigned)i + 1)
            return complain("%s is part %u of %u, but part %d of %d is expected here: give all parts, in order.",
                            paths[i], note.part, note.parts, i + 1, count);
        if (note.first_frame != frames)
            return complain(
                "%s begins at frame %llu, but frame %llu is expected: one of the parts comes from a different cut.",
                paths[i], note.first_frame, (unsigned long long)frames);
        if (i && note.analysis != analysis)
            return complain("%s was encoded with another --analysis than the parts before it: encode it again.",
                            paths[i]);
        analysis = note.analysis;
        frames += note.frames;
    }
    return STATUS_GOOD;
}

static int join(Joining *j, const char *const *paths, int count) {
    const char *output = paths[count];
    int are_parts = 0;
    for (int i = 0; i < count; i++) {
        int status = dfy_output_spares(output, paths[i]);
        if (status) return status;
    }
    if (check_parts(paths, count, &are_parts) || open_joining(j, output, are_parts)) return STATUS_FAILED;
    for (int i = 0; i < count; i++)
        if (add(j, paths[i])) return STATUS_FAILED;
    DfyJoinStats stats;
    return finish(j, &stats);
}

int run_join(int argc, char **argv) {
    const Usage usage = {"diffy join PART.dfy... OUTPUT.dfy",
                         "Joins consecutive files without encoding anything again: all the parts that diffy encode "
                         "--part\nmade, in order (this is checked), or recordings that were split. The frames of each "
                         "file follow\nthose of the file before.\n",
                         NULL,
                         0,
                         2,
                         MOST_FILES};
    const char **paths = calloc(MOST_FILES + 1, sizeof *paths);
    if (!paths) return complain("There is no memory left to join files.");
    int status = parse_options(&usage, argc, argv, paths), count = 0;
    while (paths[count]) count++;
    Joining j = {0};
    if (status == PARSE_GO_ON) {
        status = join(&j, paths, count - 1);
        close_joining(&j);
    }
    free(paths);
    return status;
}
