import com.adobe.epubcheck.tool.EpubChecker;

/** EPUBCheck over several books in one process; what it finds in a book is written beside it, as JSON. */
public class CheckBooks {
    public static void main(String[] books) {
        for (String book : books) {
            new EpubChecker().run(new String[] {book, "--json", book + ".json"});
        }
    }
}
