/* Folders within folders, as the command line goes through them. */
#ifndef DIFFY_FOLDER_H
#define DIFFY_FOLDER_H

/*
 * Gives the name of every file below a folder to `add`, from the folder on and with / between; hidden ones are left
 * out, and so are folders more than 32 deep. Stops at what is not STATUS_GOOD, and returns it. Complains where a folder
 * can't be opened.
 */
int walk_folder(const char *folder, int (*add)(void *context, const char *name), void *context);

#endif
