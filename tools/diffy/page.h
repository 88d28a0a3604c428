/* A web page that plays the .dfy file inside it. */
#ifndef DIFFY_PAGE_H
#define DIFFY_PAGE_H

#include <stddef.h>

/* The page without a video, with the marks {about} and {video}; what the build makes of build/player/page.html.
 * Empty when that had not been built before. */
extern const unsigned char player_page[];
extern const size_t player_page_bytes;

/* Writes the page that plays input, a file that has been opened before. Complains by itself; an exit status. */
int page_write(const char *input, const char *output);

#endif
