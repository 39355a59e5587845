"""The search attributes by which workflows are found in Temporal: names alone, so that nothing heavy is loaded.

All are keywords. Temporal's SQL stores have ten of these for a namespace.
"""

PROJECT_ID = "ProjectId"
CHAPTER_ID = "ChapterId"
BATCH_ID = "BatchId"
STATUS = "GenerationStatus"
KIND = "GenerationKind"
PROJECT_TITLE = "ProjectTitle"
CHAPTER_TITLE = "ChapterTitle"

ALL = (PROJECT_ID, CHAPTER_ID, BATCH_ID, STATUS, KIND, PROJECT_TITLE, CHAPTER_TITLE)
