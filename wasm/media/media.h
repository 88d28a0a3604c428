/* What the site's reader of videos shares between its files. */
#ifndef DFY_WASM_MEDIA_H
#define DFY_WASM_MEDIA_H

#include <stdint.h>

/* Reads from the browser's file of that number; the bytes read, 0 at the end. */
int media_read(int file, double offset, uint8_t *data, int size);

/* The path of a file is its number and its size: "3:102400:name.mp4"; the name is for sentences. */
void media_parse_path(const char *path, int *file, double *size_bytes);

#endif
