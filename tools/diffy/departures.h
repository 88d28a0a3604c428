/* Where the work left its routine, as a file tells it. */
#ifndef DIFFY_DEPARTURES_H
#define DIFFY_DEPARTURES_H

#include <cjson/cJSON.h>

#include "cli.h"

/* The table of `diffy info`. */
void print_departures(const DfyDecoder *decoder);

/* "departures" in its JSON. */
void add_departures(cJSON *root, const DfyDecoder *decoder);

/* `diffy info --departures`: a row each. 0 or STATUS_FAILED, complains by itself. */
int write_departures(const DfyDecoder *decoder, const char *path);

#endif
