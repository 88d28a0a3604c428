/* The version of the library, and what marks the calls it offers. */
#ifndef DIFFY_VERSION_H
#define DIFFY_VERSION_H

/* By semver.org; the command line's too, and package.json has the same. */
#define DFY_VERSION "0.1.0"

/* On everything that others may call; all else of the library is hidden. */
#ifndef DFY_API
#if defined __GNUC__
#define DFY_API __attribute__((visibility("default")))
#else
#define DFY_API
#endif
#endif

#endif
