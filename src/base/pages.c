#define _DEFAULT_SOURCE
#include "base/pages.h"

#include <stdlib.h>

#include "base/status.h"

#ifdef __linux__
#include <sys/mman.h>
#endif

/*
 * Of Linux's usual huge pages. A first touch of small ones is dear, on virtual machines above all: with huge ones 150
 * frames of a quiet 1080p scene took 4 % less processor time to encode at effort 1.
 */
#define HUGE_PAGE ((size_t)2 << 20)

#if defined(__linux__) && defined(MADV_HUGEPAGE)

/* As many bytes as huge pages hold without much of the last one being wasted. */
static size_t worth_huge(size_t bytes) {
    return (bytes + HUGE_PAGE / 4) / HUGE_PAGE * HUGE_PAGE;
}

int dfy_pages_new(DfyPages *pages, size_t bytes) {
    size_t huge = worth_huge(bytes), most = bytes > huge ? bytes : huge;
    pages->whole = calloc(huge ? most + HUGE_PAGE : bytes, 1); /* what is never touched takes no memory */
    pages->bytes = pages->whole;
    if (!pages->whole) return DFY_ERROR_MEMORY;
    if (!huge) return DFY_OK;
    pages->bytes += -(uintptr_t)pages->whole & (HUGE_PAGE - 1);
    madvise(pages->bytes, huge, MADV_HUGEPAGE); /* where it is refused, small ones serve as well */
    return DFY_OK;
}

#else

int dfy_pages_new(DfyPages *pages, size_t bytes) {
    pages->bytes = pages->whole = calloc(bytes, 1);
    return pages->whole ? DFY_OK : DFY_ERROR_MEMORY;
}

#endif

void dfy_pages_free(DfyPages *pages) {
    free(pages->whole);
    *pages = (DfyPages){0};
}
