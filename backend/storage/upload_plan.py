"""Which files of a clip belong at the store, and under which keys. Pure.

    clips bucket         <clip id>/clip.mp4            every finished clip
                         public/<clip id>/clip.mp4     published ones too, when public_urls is set
    thumbnails bucket    <clip id>/current.jpg, middle.jpg, manual.png

The public copy is a second object, so that publishing and unpublishing never move the first, and in
another form: it hides nothing. Not here:
copying (`upload_queue`), and what is at the store already (the catalogue).
"""

from backend.catalogue.lifecycle import FINISHED, Status
from backend.catalogue.values import PUBLIC_FORM, PUBLIC_PREFIX, Clip, NewUpload, PreviewSource, Root


def wanted(clip: Clip, *, public_urls: bool) -> tuple[NewUpload, ...]:
    """Everything of `clip` that should be at the store; nothing before the clip is finished."""
    if clip.status not in FINISHED or clip.path is None:
        return ()
    size_bytes = clip.size_bytes or 0
    files = [NewUpload(Root.CLIPS, clip.path, clip.path, 0, size_bytes)]
    if public_urls and clip.status is Status.PUBLISHED:
        public_key = PUBLIC_PREFIX + clip.path
        files.append(NewUpload(Root.CLIPS, clip.path, public_key, PUBLIC_FORM, size_bytes))
    for source in PreviewSource:
        picture = clip.previews.of(source)
        # Of an approximate one the exact one follows within a second.
        if picture is not None and not picture.approximate:
            files.append(NewUpload(Root.THUMBNAILS, picture.path, picture.path, picture.version, 0))
    return tuple(files)
