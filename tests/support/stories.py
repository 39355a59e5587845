"""A story of four scenes, so that a change can concern one scene and not the others."""

STORY = """\
The Two Keys

The kitchen was dark. Mara lit a lamp and put two keys on the table.

"Take the small one," said Mara. "It opens the boat shed."

She went to the window. Outside the rain fell on the yard, and the dog barked at the gate.

Mara sat down by the stove and counted the coins in the blue jar. There were not enough of them for the winter.

"Nobody comes in this rain," said Mara.

***

At dawn the harbour was full of fog. Joss ran along the quay.

"Wait!" shouted Joss. He waved both arms.

The ferry had left. Joss kicked a stone into the water and watched the rings grow.

***

In the boat shed it smelled of tar. Mara lifted the tarpaulin from the old boat.

"She still floats," said Joss. He knocked on the planks.

Mara handed him an oar. "Then row," she said.

***

Out on the water the fog was thicker than in the harbour, and the bell of the buoy rang somewhere on the left.

"Listen," said Joss. "That is the reef."

Mara took the tiller and turned the boat. The sail flapped twice, then it filled with wind.

"Do you see the light?" said Mara.

Joss stood up in the bow and held his hand above his eyes. A lamp went round, slowly, far away.

"I see it," said Joss. "We are nearly home."
"""
