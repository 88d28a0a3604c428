/* What the commands of `diffy splat` share. */
#ifndef DIFFY_SPLAT_CLI_H
#define DIFFY_SPLAT_CLI_H

#include "splat_source.h"

int run_splat_encode(int argc, char **argv);
int run_splat_decode(int argc, char **argv);
int run_splat_info(int argc, char **argv);
int run_splat_compare(int argc, char **argv);

/* `diffy verify` of a sequence of splats: decodes every frame. */
int verify_splats(const char *path);

/* Opens a splat stream; complains by itself. Close both in any case. */
int splat_decoder_open(DfySplatDecoder **decoder, DfyInput *input, DfySplatInfo *info, const char *path);

/*
 * "position=0.5mm,rotation=0.5" into numbers by attribute; lengths may have a unit, which unit_metres (the model's unit
 * in metres) makes the model's own. option is named in the complaint.
 */
int parse_attribute_list(double *values, const char *text, const char *option, double unit_metres);

/* The commas' parts of a list NAME=VALUE: calls set for each; complains with the names there are. */
typedef int (*SetNamed)(void *opaque, const char *name, size_t length, const char *value);
int parse_named_list(const char *text, SetNamed set, void *opaque);

#endif
