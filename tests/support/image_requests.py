"""A request for a picture, and a picture to send with one."""

import io

from PIL import Image

from engine.images import ImageRequest, Picture

PROMPT = "A secretive lighthouse in the rain"


def a_picture(size: tuple[int, int] = (64, 48), shade: int = 90) -> Picture:
    data = io.BytesIO()
    Image.new("RGB", size, (shade, 60, 30)).save(data, "PNG")
    return Picture(data.getvalue())


REQUEST = ImageRequest(model="", prompt=PROMPT, negative="", width=1024, height=768, seed=11)
