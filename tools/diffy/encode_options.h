/* The options of `diffy encode`. */
#ifndef DIFFY_ENCODE_OPTIONS_H
#define DIFFY_ENCODE_OPTIONS_H

#include "episodes.h"
#include "source.h"

typedef struct EncodeOptions {
    const char *mode, *preset, *progress, *imu, *camera, *on_error, *alpha, *hdr, *pixels;
    int format, no_temporal, no_bbox, max_width, frames; /* format 0: not said */
    SourceOptions source;
    int resume, episodes, parts; /* parts 0: not said */
    const char *analysis_path;
    int analyses; /* it is `diffy analyse`: a few frames from all over the input are taken */
    const char *starts_path;
    EpisodeStarts starts;
    const char *part_text;
    int part;                                /* from 1; 0: all of them */
    double segment_seconds, stretch_seconds; /* 0: not said */
    const char *split_text, *keep_text;
    double split_seconds, keep_seconds; /* 0: not said */
    double fps;
    DfyEncoderSettings settings;
} EncodeOptions;

/* Fills them, and the input's and the output's name. PARSE_GO_ON, or the exit status. */
int parse_encode_options(EncodeOptions *options, int argc, char **argv, const char *paths[2]);

#endif
