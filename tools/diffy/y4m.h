/* YUV4MPEG2, streaming: 4:2:0 with 8 bits as it is, other samplings converted to that while reading. */
#ifndef DIFFY_Y4M_H
#define DIFFY_Y4M_H

#include "source.h"

int y4m_write_header(FILE *stream, const SourceFacts *facts);
int y4m_write_picture(FILE *stream, const DfyPicture *picture); /* I420 */

#endif
