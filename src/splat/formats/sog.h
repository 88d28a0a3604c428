/* What reading and writing SOG share. */
#ifndef DFY_SPLAT_SOG_H
#define DFY_SPLAT_SOG_H

#include "splat/formats/webp.h"
#include "splat/formats/zip.h"

enum { DFY_SOG_ROW = 64 /* entries of the palette in a row of its image */ };

#endif
