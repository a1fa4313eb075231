/** An entry of a folder that becomes an image. Paths have no leading slash. */
export type FolderEntry =
  | { readonly type: 'folder'; readonly path: string }
  | { readonly type: 'file'; readonly path: string; readonly sizeBytes: number; readonly mode: number }
  | { readonly type: 'link'; readonly path: string; readonly target: string };
